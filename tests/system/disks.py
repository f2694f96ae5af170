"""File systems that are soon full."""
import os
import subprocess


def small_disk(folder):
    """The folder, made, on 96 MiB of its own; None: that is not to be had."""
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=700", "tmpfs", folder],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return folder if done.returncode == 0 else None


def fill(folder):
    """All of it; the file to remove."""
    path = os.path.join(folder, "ballast")
    with open(path, "wb") as file:
        try:
            while True:
                os.write(file.fileno(), b"x" * 65536)
        except OSError:
            pass
    return path
