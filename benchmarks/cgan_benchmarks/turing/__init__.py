"""The visual Turing test: can people tell colored images from true ones?"""
