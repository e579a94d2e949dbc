"""Where live frames go beside the screen: recordings and virtual cameras."""
