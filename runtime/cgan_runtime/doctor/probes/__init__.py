"""What is looked at. Each function yields findings; all but those of machine.py run in processes of their own."""
