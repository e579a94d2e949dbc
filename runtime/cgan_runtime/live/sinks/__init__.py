"""Where live frames go besides the screen: recordings and virtual cameras."""
