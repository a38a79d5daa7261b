"""One small picture, and files made from it: ordinary ones with Pillow, odd ones byte by byte."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Array = NDArray[np.generic]

# The picture: red grows rightwards, green downwards, blue marks the upper left; no two corners are alike
DOWN, RIGHT = np.mgrid[0:12, 0:16]
PIXELS = np.stack([RIGHT * 16, DOWN * 20, 200 - RIGHT * 6 - DOWN * 8], axis=-1).astype(np.uint8)
RGB = Image.fromarray(PIXELS)
COLOURS = PIXELS / 255
GREY_8 = PIXELS[..., 0]
GREY_16 = (RIGHT * 4000 + DOWN * 7 + 3).astype(np.uint16)  # 3 to 60,080: clipped to 255 it would be white
GREY_ALPHA_16 = np.dstack([GREY_16, np.full_like(GREY_16, 65535)])  # all solid
CLEAR_16 = np.where(GREY_16 == 3, 1, GREY_16 / 65535)  # the value 3 laid on white
FOUR_GREYS = np.tile([0, 1 / 3, 2 / 3, 1], (12, 4))
CORNER_16 = PIXELS.astype(np.uint16) * 256 + 77  # two of its colours differ in their low bytes alone
CORNER_16[0, 1] = CORNER_16[0, 0] + 1
WHITE_CORNER_16 = np.floor(CORNER_16 / 256) / 255
WHITE_CORNER_16[0, 0] = 1
GREY_12 = (RIGHT * 250 + DOWN).astype(np.uint16)
BITS = (RIGHT + DOWN) % 3 == 0
ALPHA = np.where(DOWN < 6, 255, 51).astype(np.uint8)  # solid above, a fifth below
ON_WHITE = COLOURS * (ALPHA / 255)[..., None] + 1 - (ALPHA / 255)[..., None]
RGBA = Image.fromarray(np.dstack([PIXELS, ALPHA]))
PREMULTIPLIED = np.dstack([np.round(PIXELS * (ALPHA / 255)[..., None]), ALPHA]).astype(np.uint8)
OTHER = Image.fromarray(255 - PIXELS)
GREY_ON_WHITE = GREY_8 / 255 * (ALPHA / 255) + 1 - ALPHA / 255
WHITE_CORNER = COLOURS.copy()
WHITE_CORNER[0, 0] = 1
PALETTE = RGB.quantize(256)
CORNER = PALETTE.getpixel((0, 0))  # its place in the palette
LINE = np.tile(PIXELS[:1], (1, 20, 1))  # 1 x 320

# how a camera stores an upright picture under each EXIF orientation (TIFF 6.0, tag 274)
STORED: dict[int, Callable[[Array], Array]] = {
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def save(image: Image.Image | Array, kind: str, **options: object) -> bytes:
    image = image if isinstance(image, Image.Image) else Image.fromarray(np.ascontiguousarray(image))
    file = io.BytesIO()
    image.copy().save(file, kind, **options)  # a copy: Pillow leaves its options on the image
    return file.getvalue()


def turned(kind: str, orientation: int, **options: object) -> bytes:
    exif = Image.Exif()
    exif[274] = orientation
    stored = STORED[orientation](PIXELS) if orientation in STORED else PIXELS
    return save(stored, kind, exif=exif, **options)


def several(kind: str, **options: object) -> bytes:
    return save(RGB, kind, save_all=True, append_images=[OTHER.copy(), OTHER.rotate(180)], **options)


def two_in_one() -> bytes:
    """As phones store a photograph with a second one, for depth or brightness, behind it."""
    return save(RGB, "MPO", save_all=True, append_images=[OTHER.copy()], quality=95)


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, bits: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG by hand. colour: 0 grey, 2 RGB, 4 grey with alpha; rows: each with its filter byte in front."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def png_with_long_text(length: int) -> bytes:
    return png(8, 8, 8, 0, bytes(72), chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(length), 1)))


def header_second() -> bytes:
    data = save(RGB, "PNG")
    return data[:8] + chunk(b"tEXt", b"title\0cat") + data[8:]


def png_16(values: Array, colour: int, *extra: bytes) -> bytes:
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(width, height, 16, colour, rows, *extra)


def tiff(
    pixels: bytes, width: int, height: int, bits: int, photometric: int = 1, order: str = "<", **tags: int
) -> bytes:
    """An uncompressed TIFF of one strip by hand. tags: more of them, named like t339=3."""
    entries = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 0, 277: 1, 278: height}
    entries |= {279: len(pixels)} | {int(name[1:]): value for name, value in tags.items()}
    entries[273] = 8 + 2 + 12 * len(entries) + 4
    body = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, entries[tag]) for tag in sorted(entries))
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(f"{order}HIH", 42, 8, len(entries)) + body + b"\0\0\0\0" + pixels


def grey_tiff(values: Array, photometric: int = 1, order: str = "<", **tags: int) -> bytes:
    kind = values.dtype.newbyteorder(order)
    return tiff(values.astype(kind).tobytes(), *values.shape[::-1], 8 * kind.itemsize, photometric, order, **tags)


def packed_12(values: Array) -> bytes:
    """Two values of 12 bits in three bytes."""
    first, second = values.reshape(-1, 2).astype(np.uint16).T
    return np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1).astype(np.uint8).tobytes()


def zip_file() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("cat.jpg", save(RGB, "JPEG"))
    return file.getvalue()


def with_size(data: bytes, at: int, layout: str, width: int, height: int) -> bytes:
    """The same file whose header claims another size."""
    size = struct.pack(layout, width, height)
    return data[:at] + size + data[at + len(size) :]


def jpeg_with_size(height: int, width: int) -> bytes:
    data = save(RGB, "JPEG")
    return with_size(data, data.index(b"\xff\xc0") + 5, ">HH", height, width)


def with_broken_exif() -> bytes:
    cut_off = b"MM\0*\0\0\0\x08\0\1\1\x12"  # one entry announced, and its beginning
    return png(16, 12, 8, 2, b"".join(b"\0" + row.tobytes() for row in PIXELS), chunk(b"eXIf", cut_off))


def photo(*entries: tuple[int, int, int, bytes], upright: bool = False, exif: bytes | None = None) -> bytes:
    """A jpeg by a camera held sideways, with more EXIF entries: (tag, type, count, its bytes). exif: all of it."""
    head, data = [(274, 3, 1, struct.pack("<HH", 6, 0)), *entries][upright:], b""
    start = 10 + 12 * len(head) + 4
    directory = b""
    for tag, kind, count, raw in sorted(head):
        place = raw if len(raw) == 4 else struct.pack("<I", start + len(data))
        directory += struct.pack("<HHI", tag, kind, count) + place
        data += b"" if len(raw) == 4 else raw
    written = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(head)) + directory + bytes(4) + data
    return save(PIXELS if upright else STORED[6](PIXELS), "JPEG", exif=written if exif is None else exif, quality=95)


def xmp(orientation: str) -> bytes:
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/"{orientation}</rdf:RDF></x:xmpmeta>'
    ).encode()


def profiled(name: bytes, **options: object) -> bytes:
    """A picture whose colour profile has this name, of as many letters as "sRGB built-in"."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    wide = "sRGB built-in".encode("utf-16-be"), name.decode().encode("utf-16-be")
    assert wide[0] in profile
    return save(RGB, "PNG", icc_profile=profile.replace(*wide).replace(b"sRGB built-in", name), **options)


def cmyk() -> Array:
    """Four inks for the picture: half of what cyan, magenta and yellow share is printed black instead."""
    inks = 255 - PIXELS.astype(np.int32)
    black = inks.min(axis=-1, keepdims=True) // 2
    return np.concatenate([inks - black, black], axis=-1).astype(np.uint8)


def ycck_jpeg() -> bytes:
    """The inks as Photoshop writes them: inverted, and the first three as brightness and colour differences."""
    inks = cmyk()
    first = np.asarray(Image.fromarray(inks[..., :3]).convert("YCbCr"))
    stored = np.concatenate([first, 255 - inks[..., 3:]], axis=-1)
    data = save(Image.frombytes("CMYK", (16, 12), (255 - stored).tobytes()), "JPEG", quality=95)  # saving inverts
    transform = data.index(b"Adobe") + 11
    assert data[transform] == 0
    return data[:transform] + b"\2" + data[transform + 1 :]


def interlaced_png_16(values: Array, *extra: bytes) -> bytes:
    """A PNG of 16 bits for each colour in the seven passes of Adam7."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    thinned = (values[top::down, left::right] for top, left, down, right in passes)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for part in thinned for row in part)
    data = png(*values.shape[1::-1], 16, 2, rows, *extra)
    head = chunk(b"IHDR", data[16:28] + b"\1")
    return data[:8] + head + data[8 + len(head) :]


def colour_tiff(values: Array, photometric: int = 2, **tags: int) -> bytes:
    """A TIFF of several numbers a pixel, one after the other, without compression."""
    height, width, samples = values.shape
    kind = values.dtype.newbyteorder("<")
    pixels = values.astype(kind).tobytes()
    entries = {256: width, 257: height, 259: 1, 262: photometric, 277: samples, 278: height, 279: len(pixels)}
    entries |= {int(name[1:]): value for name, value in tags.items()}
    behind = 8 + 2 + 12 * (len(entries) + 2) + 4
    directory = {tag: struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items()}
    directory[258] = struct.pack("<HHII", 258, 3, samples, behind)
    directory[273] = struct.pack("<HHII", 273, 4, 1, behind + 2 * samples)
    body = b"".join(directory[tag] for tag in sorted(directory))
    bits = struct.pack(f"<{samples}H", *[8 * kind.itemsize] * samples)
    return b"II*\0" + struct.pack("<IH", 8, len(directory)) + body + bytes(4) + bits + pixels


def bmp_with_alpha() -> bytes:
    """A BMP by hand, with the header of version 4 that says which bits are alpha; the lowest row comes first."""
    pixels = np.array(RGBA)[::-1].tobytes()
    masks = struct.pack("<IIII", 0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    head = struct.pack("<IiiHHIIiiII", 108, 16, 12, 1, 32, 3, len(pixels), 0, 0, 0, 0) + masks + b"BGRs" + bytes(48)
    return struct.pack("<2sIII", b"BM", 14 + len(head) + len(pixels), 0, 14 + len(head)) + head + pixels


def two_colour_palette() -> Image.Image:
    image = Image.fromarray(BITS.astype(np.uint8))
    image.putpalette([0, 0, 0, 255, 255, 255])
    return image


def bits_png(side: int) -> bytes:
    return png(side, side, 1, 0, bytes((side // 8 + 1) * side))


def box(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + b"\0\0\1\xffmeta\x80\x81"
