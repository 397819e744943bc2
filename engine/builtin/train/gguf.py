"""A writer of GGUF files (version 3) with what the built-in model needs, and the TQ2_0 blocks."""
import struct

import numpy as np

ALIGN = 32
F32, F16, TQ2_0 = 0, 1, 35
U32, I32, FLOAT, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
FORMATS = {U32: "<I", I32: "<i", FLOAT: "<f", BOOL: "<?"}


def string(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(kind, v):
    return string(v) if kind == STRING else struct.pack(FORMATS[kind], v)


def pack_tq2(codes, scale):
    """int8 codes [rows][columns] in {-1, 0, 1} as blocks of 256: 64 bytes, an f16 scale."""
    rows, blocks = codes.shape[0], codes.shape[1] // 256
    u = (codes.reshape(rows, blocks, 2, 4, 32) + 1).astype(
        np.uint8
    )  # half, place of two bits, byte
    bits = u[:, :, :, 0] | u[:, :, :, 1] << 2 | u[:, :, :, 2] << 4 | u[:, :, :, 3] << 6
    if float(np.float16(scale)) != scale:
        raise ValueError("a scale that float16 does not hold: %r" % scale)
    scales = np.full((rows, blocks, 1), scale, dtype=np.float16).view(np.uint8)
    return np.concatenate((bits.reshape(rows, blocks, 64), scales), -1).reshape(rows, blocks * 66)


class Writer:
    def __init__(self):
        self.keys, self.tensors = [], []

    def set(self, key, kind, v):
        self.keys.append(string(key) + struct.pack("<I", kind) + value(kind, v))

    def set_array(self, key, kind, values):
        head = string(key) + struct.pack("<IIQ", ARRAY, kind, len(values))
        self.keys.append(head + b"".join(value(kind, v) for v in values))

    def tensor(self, name, kind, columns, data):
        """data: an array [rows][..] (or [columns]) of whole rows in the type's bytes."""
        dims = [columns] if data.ndim == 1 else [columns, data.shape[0]]
        self.tensors.append((name, kind, dims, data.tobytes()))

    def write(self, path):
        table, offset = b"", 0
        for name, kind, dims, raw in self.tensors:
            table += string(name) + struct.pack(
                "<I%dQIQ" % len(dims), len(dims), *dims, kind, offset
            )
            offset += -(-len(raw) // ALIGN) * ALIGN
        head = (
            struct.pack("<4sIQQ", b"GGUF", 3, len(self.tensors), len(self.keys))
            + b"".join(self.keys)
            + table
        )
        with open(path, "wb") as file:
            file.write(head + b"\0" * (-len(head) % ALIGN))
            for _, _, _, raw in self.tensors:
                file.write(raw + b"\0" * (-len(raw) % ALIGN))


class Reader:
    """A file of Writer's kind: keys {name: value}, tensors {name: f32 [rows][columns]}."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.raw = file.read()
        magic, version, tensors, keys = struct.unpack_from("<4sIQQ", self.raw)
        if magic != b"GGUF" or version != 3:
            raise ValueError("%s is not a GGUF file of version 3" % path)
        self.at, self.keys, self.tensors = 24, {}, {}
        for _ in range(keys):
            name = self.string().decode()
            self.keys[name] = self.value(self.take("<I"))
        table = []
        for _ in range(tensors):
            name = self.string().decode()
            dims = [self.take("<Q") for _ in range(self.take("<I"))]
            table.append((name, dims, self.take("<I"), self.take("<Q")))
        start = -(-self.at // ALIGN) * ALIGN
        for name, dims, kind, offset in table:
            self.tensors[name] = self.weights(dims, kind, start + offset)

    def take(self, form):
        v = struct.unpack_from(form, self.raw, self.at)[0]
        self.at += struct.calcsize(form)
        return v

    def string(self):
        n = self.take("<Q")
        self.at += n
        return self.raw[self.at - n : self.at]

    def value(self, kind):
        if kind == ARRAY:
            kind, n = self.take("<I"), self.take("<Q")
            return [self.value(kind) for _ in range(n)]
        return self.string() if kind == STRING else self.take(FORMATS[kind])

    def weights(self, dims, kind, start):
        columns, rows = dims[0], dims[1] if len(dims) > 1 else 1
        if kind == TQ2_0:
            size = rows * columns // 256 * 66
            blocks = np.frombuffer(self.raw[start : start + size], np.uint8).reshape(
                rows, columns // 256, 66
            )
            scales = blocks[:, :, 64:].copy().view(np.float16).astype(np.float32)
            bits = blocks[:, :, :64].reshape(rows, columns // 256, 2, 1, 32)
            codes = bits >> np.array([0, 2, 4, 6], np.uint8).reshape(4, 1) & 3
            flat = (codes.astype(np.float32).reshape(rows, columns // 256, 256) - 1) * scales
            return flat.reshape(rows, columns)
        dtype = np.float16 if kind == F16 else np.float32
        flat = np.frombuffer(self.raw, dtype, rows * columns, start).astype(np.float32)
        return flat.reshape(rows, columns) if len(dims) > 1 else flat
