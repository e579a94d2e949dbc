"""Does a server of cameras stay up: a soak test, with the RTSP server and the cameras that it needs."""
