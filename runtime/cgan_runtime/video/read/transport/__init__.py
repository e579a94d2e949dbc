"""Packets and tables of transport streams, where FFmpeg says too little."""
