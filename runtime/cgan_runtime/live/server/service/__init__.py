"""What a server that runs by itself needs: limits of connections, metrics, and its endpoints for programs."""
