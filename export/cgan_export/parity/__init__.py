"""How far two models lie apart."""
