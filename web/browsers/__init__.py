"""This package is where installed browsers are engines, for tests and for authors of job types.

Each is started without a window at a page of ours, which computes in the very sandbox that
volunteers have: the frame, its headers, its Web Worker. The server never computes in them.
"""
