"""What is measured: the forms of a model, the engines that run them, and the inputs that all take."""
