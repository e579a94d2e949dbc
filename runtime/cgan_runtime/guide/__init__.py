"""Colors that people ask for: hints at places, reference pictures, colored frames of the video itself."""
