#!/usr/bin/env python3
"""A print process for spoolsuite in about a hundred lines: it appends to files and sends to TCP ports, octets as they are.

docs/print-process.md is the contract. FILE of a print process names this program, and the spool starts it.
"""
import collections, json, os, select, socket, stat, struct, sys, threading
from urllib.parse import urlsplit, unquote

STEP = 65536


class Conversation:
    """Lines of JSON over a socket, with open files beside some of them."""

    def __init__(self, sock):
        self.sock, self.rest, self.files, self.words = sock, b"", [], collections.deque()

    def say(self, op, **more):
        try:
            self.sock.sendall(json.dumps({"op": op, **more}).encode() + b"\n")
        except OSError:
            pass  # nobody listens any more: the next thing that is heard is the end

    def hear(self, wait=True):
        """The next order; None when there is none yet. The end of the socket counts as `end`."""
        while not self.words:
            if not wait and not select.select([self.sock], [], [], 0)[0]:
                return None
            octets, files, _, _ = socket.recv_fds(self.sock, STEP, 64)
            self.files += files
            if not octets:
                return {"op": "end"}
            *lines, self.rest = (self.rest + octets).split(b"\n")
            self.words += map(json.loads, lines)
        return self.words.popleft()

    def take_files(self, count):
        taken, self.files = self.files[:count], self.files[count:]
        return taken


class Device:
    """An output that never blocks, so that orders are heard at any time."""

    def __init__(self, uri):
        parts = urlsplit(uri)
        self.is_file = parts.scheme == "file"
        if self.is_file:
            self.fd = os.open(unquote(parts.path), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            if not stat.S_ISREG(os.fstat(self.fd).st_mode):
                raise OSError(22, "it is no regular file")
        elif parts.scheme == "socket":
            self.socket = socket.create_connection((parts.hostname, parts.port or 9100), timeout=30)
            self.socket.setblocking(False)
            self.fd = self.socket.fileno()
        else:
            raise OSError(22, f"{parts.scheme}: is not for this program")

    def settle(self):
        if self.is_file:
            os.fsync(self.fd)

    def undo(self, start, touched):
        """Takes a part of a job back, or lets nobody take it for the whole."""
        if self.is_file:
            os.ftruncate(self.fd, start)
            return {"touched": False}
        if touched:  # closed without its data: the printer sees a reset
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()
        return {"touched": touched, "closed": touched}

    def close(self):
        if self.is_file:
            return os.close(self.fd)
        self.socket.shutdown(socket.SHUT_WR)
        self.socket.settimeout(30)
        while self.socket.recv(STEP):
            pass
        self.socket.close()


def print_job(talk, device, job, files):
    """Prints one job. Returns the last word about it."""
    start = os.fstat(device.fd).st_size if device.is_file else 0
    begin, copy, offset, touched, still = 0, 1, 0, False, False
    while begin < len(job["documents"]):
        document = job["documents"][begin]
        order = talk.hear(wait=still)
        if order and order["op"] in ("stop", "end"):
            return "stopped", device.undo(start, touched)
        if order and order["op"] == "suspend":
            still = True
            talk.say("suspended")
        elif order and order["op"] == "resume":
            still = False
        elif order and order["op"] == "go":
            numbers = [one["number"] for one in job["documents"]]
            begin, copy, offset = numbers.index(order["document"]), order["copy"], order["offset"]
        if still or order:
            continue
        octets = os.pread(files[begin], STEP, offset)
        if not octets and offset < document["octets"]:
            text = f"document {document['number']} ends too early"
            return "rejected", {"text": text, **device.undo(start, touched)}
        if octets:
            select.select([talk.sock], [device.fd], [])
            try:
                offset += os.write(device.fd, octets)
                touched = True
            except BlockingIOError:
                continue
            if document["number"]:
                talk.say("progress", document=document["number"], copy=copy, octets=offset)
        if offset >= document["octets"]:
            copy, offset = copy + 1, 0
            if copy > document["copies"]:
                begin, copy = begin + 1, 1
    device.settle()
    return "printed", {}


def drive(talk, order):
    """One open of one device, until it is closed."""
    uri = order["uri"]
    try:
        device = Device(uri)
        talk.say("opened", skips=True)
        while (order := talk.hear())["op"] not in ("close", "end"):
            if order["op"] == "print":
                files = talk.take_files(len(order["documents"]))
                word, more = print_job(talk, device, order, files)
                [os.close(file) for file in files]
                talk.say(word, **more)
                if more.get("closed"):
                    return
        device.close()
        talk.say("closed")
    except OSError as error:
        talk.say("failed", text=f"{uri}: {error.strerror or error}", errno=error.errno)
    finally:
        talk.sock.close()


def main():
    control = Conversation(socket.socket(fileno=os.dup(0)))
    control.say("hello", version=1)
    while (order := control.hear())["op"] != "end":
        if order["op"] == "ping":
            control.say("pong", number=order["number"])
        elif order["op"] == "open":
            talk = Conversation(socket.socket(fileno=control.take_files(1)[0]))
            threading.Thread(target=drive, args=(talk, order), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
