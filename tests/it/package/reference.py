"""A second implementation of the chaincode package of a source folder and its ID: python3 -I reference.py DIR"""

import hashlib
import os
import struct
import sys
import zlib


def ustar_header(path, size):
    name, prefix = path, b""
    if len(path) > 100:
        # The last slash that leaves at most 155 bytes before it.
        slash = path.rindex(b"/", 0, 156)
        prefix, name = path[:slash], path[slash + 1 :]
    fields = [
        (name, 100),
        (b"0000644", 8),  # mode
        (b"0000000", 8),  # uid
        (b"0000000", 8),  # gid
        (b"%011o" % size, 12),
        (b"%011o" % 0, 12),  # mtime
        (b" " * 8, 8),  # checksum
        (b"0", 1),  # type: regular file
        (b"", 100),  # link
        (b"ustar\x0000", 8),
        (b"", 64),  # names of user and group
        (b"0000000", 8),  # device
        (b"0000000", 8),
        (prefix, 155),
        (b"", 12),
    ]
    header = b"".join(value.ljust(length, b"\0") for value, length in fields)
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


def tar(files):
    archive = b""
    for path in sorted(files):
        content = files[path]
        archive += ustar_header(path, len(content)) + content + bytes(-len(content) % 512)
    archive += bytes(1024)
    return archive + bytes(-len(archive) % 10240)


def gzip(content):
    blocks = [content[at : at + 65535] for at in range(0, len(content), 65535)] or [b""]
    archive = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    for number, block in enumerate(blocks, 1):
        archive += struct.pack("<BHH", number == len(blocks), len(block), 65535 - len(block)) + block
    return archive + struct.pack("<II", zlib.crc32(content), len(content))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def package(source):
    files = {b"connection.json": read(os.path.join(source, b"connection.json"))}
    for tree in (b"META-INF", b"metadata"):
        for folder, _, names in os.walk(os.path.join(source, tree)):
            for path in (os.path.join(folder, name) for name in names):
                files[os.path.relpath(path, source)] = read(path)
    metadata = read(os.path.join(source, b"metadata.json"))
    return gzip(tar({b"code.tar.gz": gzip(tar(files)), b"metadata.json": metadata}))


print(hashlib.sha256(package(os.fsencode(sys.argv[1]))).hexdigest())
