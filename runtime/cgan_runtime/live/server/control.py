"""The HTTP side of cameras: what there are, snapshots, recordings, and how fine they are colored.

    GET    /cameras                  [camera, ...] of the server; the first is the one that a page shows at first
    PATCH  /cameras/ID               {"adapt": bool} or {"size": pixels}; back: camera. For all who watch it.
    GET    /cameras/ID/snapshot      the newest picture in color, PNG; 409: there is none yet
    POST   /cameras/ID/recording     201: recording; 409: it records already; 507: there is no room for one
    DELETE /cameras/ID/recording     200: recording, finished; 404: it does not record
    GET    /recordings/ID            the video, MP4, as a download; also while it is recorded
    DELETE /recordings/ID            204

Errors are JSON, {"error": sentence without a full stop}. ID is that of /cameras, or for a browser's own camera the
one that /live/camera tells it first, as text {"camera": ID}. A camera in JSON:

    {"id": "0", "name": "HD Webcam", "state": "opening" | "live" | "lost" | "ended", "message": text,
     "viewers": 2, "read": 900, "dropped": 31,                          frames since it was opened, frames left out
     "age": 0.04,                            seconds since its newest picture was colored; null: there is none yet
     "adapt": true, "size": 192, "full_size": 256,                      pixels, as of --size
     "rate": 14.8, "left_out": 0.03,                 colored a second; share of the last pictures that was left out
     "suggested_size": 160,                                  a size at which it would keep up; null: it does, or none
     "recording": recording or null}

The text {"status": camera} comes through /live/view every second, and through /live/camera without "viewers". A
recording in JSON:

    {"id": "Xy...", "name": "HD-Webcam-20260101-120000.mp4", "url": "/recordings/Xy...",
     "state": "recording" | "finished" | "failed", "message": why it ended by itself, or "",
     "seconds": 12.5, "bytes": 1200000, "frames": 300, "dropped": 0}
"""
