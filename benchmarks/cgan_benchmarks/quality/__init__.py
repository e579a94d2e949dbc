"""`cgan-bench quality`: how near colors come to the truth."""
