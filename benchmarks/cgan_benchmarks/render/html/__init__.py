"""A result as one self-contained page: `write_page(document, Path("bench.html"))`."""
