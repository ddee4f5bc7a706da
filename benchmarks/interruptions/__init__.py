"""What ``bench_interruptions.py`` is made of: sounds of a room, people, an assistant that can be traced, and judges."""
