"""The log as it stands in redis-server's append-only file, read without redis-server and without the head.

The file holds commands; those that append to the log are XADD with an id and one field: `e`, an entry, or
`takeover`. An entry is "ASY1", its size and CRC-32, and a msgpack list: rules, time, how many events,
events, decisions. Of the events a report is of interest here: which records of which attempt.
"""
import struct
import zlib

from expect import Failure, check

REPORT, SUBMIT = 7, 1
RESULT, END = 2, 3


def unpack(data, at):
    """One msgpack item of data from at on, and where the next one begins."""
    kind = data[at]
    at += 1
    if kind <= 0x7F:
        return kind, at
    if kind >= 0xE0:
        return kind - 256, at
    if kind <= 0x8F:
        return unpack_map(data, at, kind & 15)
    if kind <= 0x9F:
        return unpack_list(data, at, kind & 15)
    if kind <= 0xBF:
        return data[at : at + (kind & 31)].decode("utf-8", "replace"), at + (kind & 31)
    if kind in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[kind], at
    if kind in (0xC4, 0xC5, 0xC6, 0xD9, 0xDA, 0xDB):
        width = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}[kind]
        size = int.from_bytes(data[at : at + width], "big")
        at += width
        check(at + size <= len(data), "msgpack that is cut off")
        piece = data[at : at + size]
        return (piece.decode("utf-8", "replace") if kind >= 0xD9 else piece), at + size
    if 0xCA <= kind <= 0xD3:
        form = ">" + "fdBHIQbhiq"[kind - 0xCA]
        return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    if kind in (0xDC, 0xDD, 0xDE, 0xDF):
        width = 2 if kind in (0xDC, 0xDE) else 4
        count = int.from_bytes(data[at : at + width], "big")
        return (unpack_list if kind < 0xDE else unpack_map)(data, at + width, count)
    raise Failure("msgpack of kind %#x is in no entry" % kind)


def unpack_list(data, at, count):
    items = []
    for _ in range(count):
        item, at = unpack(data, at)
        items.append(item)
    return items, at


def unpack_map(data, at, count):
    items = {}
    for _ in range(count):
        key, at = unpack(data, at)
        items[key], at = unpack(data, at)
    return items, at


def commands(data, at):
    """Whole commands from at on: (words, where the next one begins). Ends at one that is not whole."""
    while True:
        begin = at
        words = []
        try:
            end = data.index(b"\r\n", at)
            if data[at : at + 1] != b"*":
                return
            count, at = int(data[at + 1 : end]), end + 2
            for _ in range(count):
                end = data.index(b"\r\n", at)
                if data[at : at + 1] != b"$":
                    return
                size, at = int(data[at + 1 : end]), end + 2
                if data[at + size : at + size + 2] != b"\r\n":
                    return
                words.append(data[at : at + size])
                at += size + 2
        except ValueError:
            return
        yield words, begin, at


class Log:
    """What is in the log: kept from cut to cut, so that only what is new is read."""

    def __init__(self):
        self.at = 0
        self.last = (0, 0)
        self.entries = 0
        self.reached = {}  # (experiment, trial, attempt): the highest record
        self.over = set()  # those whose END is in it
        self.results = {}  # (run, n): value, as the program said them
        self.submitted = 0

    def read(self, path):
        with open(path, "rb") as file:
            file.seek(self.at)
            data = file.read()
        end = 0
        for words, _, end in commands(data, 0):
            if words[0].upper() == b"XADD" and words[1].endswith(b":log"):
                self.take(words)
        self.at += end
        return self

    def take(self, words):
        epoch, number = (int(part) for part in words[-3 if words[-2] == b"e" else -5].split(b"-"))
        fields = dict(zip(words[-2::2], words[-1::2])) if words[-2] == b"e" else None
        if fields is None:
            check(number == 0 and epoch > self.last[0], "an epoch begins at %d-%d behind %s"
                  % (epoch, number, self.last))
        else:
            check((epoch, number) == (self.last[0], self.last[1] + 1), "the log has a gap: %d-%d behind %s"
                  % (epoch, number, self.last))
            self.take_entry(fields[b"e"])
        self.last = (epoch, number)

    def take_entry(self, entry):
        mark, size, checksum = struct.unpack_from(">4sII", entry)
        body = entry[12:]
        check(mark == b"ASY1" and size == len(body) and checksum == zlib.crc32(body), "an entry is damaged")
        self.entries += 1
        events, at = unpack(body, 0)[0][3], 0
        while at < len(events):
            (kind, fields), at = unpack(events, at)
            if kind == REPORT:
                self.take_report(*fields[1:7])
            self.submitted += kind == SUBMIT

    def take_report(self, experiment, trial, attempt, first, count, records):
        who = (experiment, trial, attempt)
        known, at = self.reached.get(who, 0), 0
        check(first <= known + 1, "I2: %s: record %d behind %d" % (who, first, known))
        for seq in range(first, first + count):
            record, at = unpack(records, at)
            if seq > known:
                self.take_record(who, record)
        self.reached[who] = max(known, first + count - 1)

    def take_record(self, who, record):
        if record[0] == END:
            self.over.add(who)
            # An executor that was asked for what had been acknowledged to it says so in its last record.
            check("had acknowledged" not in str(record), "I1: %s: %s" % (who, record))
        if record[0] != RESULT:
            return
        metrics = next(item for item in record[1] if isinstance(item, dict))
        key = (int(metrics["run"]), int(metrics["n"]))
        check(key not in self.results, "I2: result %d of run %d is twice in the log" % (key[1], key[0]))
        self.results[key] = int(metrics["value"])
