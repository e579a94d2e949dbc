"""Result files and their confidence intervals."""
