"""Odd and bad picture files, each with what must come of it: two tables, LOADS and REFUSED."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from support.picture_files import (
    ALPHA,
    BITS,
    CLEAR_16,
    COLOURS,
    CORNER,
    CORNER_16,
    FOUR_GREYS,
    GREY_8,
    GREY_12,
    GREY_16,
    GREY_ALPHA_16,
    GREY_ON_WHITE,
    LINE,
    ON_WHITE,
    PALETTE,
    PIXELS,
    PREMULTIPLIED,
    RGB,
    RGBA,
    STORED,
    WHITE_CORNER,
    WHITE_CORNER_16,
    Array,
    bits_png,
    bmp_with_alpha,
    box,
    chunk,
    cmyk,
    colour_tiff,
    grey_tiff,
    half,
    header_second,
    interlaced_png_16,
    jpeg_with_size,
    packed_12,
    photo,
    png,
    png_16,
    png_with_long_text,
    profiled,
    save,
    several,
    tiff,
    turned,
    two_colour_palette,
    two_in_one,
    with_broken_exif,
    with_size,
    xmp,
    ycck_jpeg,
    zip_file,
)


def tRNS(*colour: int) -> bytes:
    """The chunk of a png that declares one colour transparent."""
    return chunk(b"tRNS", struct.pack(f">{len(colour)}H", *map(int, colour)))


def clear_grey(bits: int, row: bytes, clear: int | None = None) -> bytes:
    """Black, two greys and white, the darker grey declared transparent."""
    return png(4, 1, bits, 0, b"\0" + row, tRNS((2**bits - 1) // 3 if clear is None else clear))


def half_clear() -> bytes:
    return bytes(128 if place == CORNER else 255 for place in range(256))


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[274] = orientation
    return exif.tobytes()


def exif_chunk(orientation: int) -> bytes:
    return chunk(b"eXIf", exif_of(orientation).removeprefix(b"Exif\0\0"))


def xmp_chunk(orientation: str) -> PngInfo:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp(orientation).decode())
    return info


@dataclass(frozen=True)
class Loads:
    """A file that shows `shows`, (H, W) or (H, W, 3) in [0, 1], within `within`; `told`: a part of each line told."""

    name: str
    make: Callable[[], bytes]
    shows: Array
    told: tuple[str, ...] = ()
    within: float = 1e-7


@dataclass(frozen=True)
class Refused:
    """A file that is refused with a ValueError holding the words `says`."""

    name: str
    make: Callable[[], bytes]
    says: str


FIRST, WHITE, CMYK, DEEP = "first of the 3", "on white", "CMYK", "16 bits"
JPEG = 0.08  # what its compression may change at quality 95

SIDEWAYS = STORED[6](PIXELS)
INKS = Image.frombytes("CMYK", (16, 12), cmyk().tobytes())
PRINTED = (1 - cmyk()[..., :3] / 255) * (1 - cmyk()[..., 3:] / 255)
REDS_16 = np.array([[[0x8000, 0, 0], [0, 0, 0], [0xFFFF, 0, 0]]], np.uint16)
CLEAR_REDS = np.array([[[1, 1, 1], [0, 0, 0], [1, 0, 0]]])
CLEAR_GREY = np.array([[0, 1, 2 / 3, 1]])  # four greys, the second laid on white
CLEAR = tRNS(*CORNER_16[0, 0])
ROWS = b"".join(b"\0" + row.tobytes() for row in PIXELS)
HALF_CLEAR = COLOURS.copy()
HALF_CLEAR[0, 0] = COLOURS[0, 0] * (128 / 255) + 1 - 128 / 255
XMP_6, XMP_6_INSIDE = ' tiff:Orientation="6"/>', "><tiff:Orientation>6</tiff:Orientation></rdf:Description>"
BY_EXIF, BY_XMP = "EXIF orientation (6)", "XMP orientation (6)"
TWICE, NOISE = b"Exif\0\0", b"Exif\0\0" + bytes(range(7, 77))
ODD_TIFF = {274: 6, 37380: (-1, 0), 305: "x"}

# Entries beside the orientation, each from a report of a picture that every viewer shows: tag, type, count, bytes
ODD_EXIF = {
    "resolution as text": [(282, 2, 3, b"72\0\0")],
    "width as text": [(256, 2, 5, b"4000\0")],
    "negative width": [(256, 9, 1, struct.pack("<i", -5))],
    "unit as a ratio": [(296, 5, 1, struct.pack("<II", 2, 1))],
    "exposure of -1 by 0": [(37380, 10, 1, struct.pack("<ii", -1, 0))],
    "title as numbers": [(270, 3, 1, struct.pack("<HH", 7, 0))],
    "unknown type": [(33434, 99, 1, bytes(4))],
    "EXIF below that leads to itself": [(34665, 4, 1, struct.pack("<I", 8))],
    "GPS that leads nowhere": [(34853, 4, 1, struct.pack("<I", 99_999))],
    "comment longer than the file": [(37510, 7, 99_999, struct.pack("<I", 40)), "Pillow warns"],
}

LOADS = [
    # png
    Loads("colour.png", lambda: save(RGB, "PNG"), COLOURS),
    Loads("palette.png", lambda: save(PALETTE, "PNG"), COLOURS),
    Loads("palette of two.png", lambda: save(two_colour_palette(), "PNG", bits=1), BITS),
    Loads("palette, first transparent.png", lambda: save(PALETTE, "PNG", transparency=CORNER), WHITE_CORNER, (WHITE,)),
    Loads("alpha.png", lambda: save(RGBA, "PNG"), ON_WHITE, (WHITE,), 1 / 255),
    Loads("alpha, all solid.png", lambda: save(RGB.convert("RGBA"), "PNG"), COLOURS),
    Loads("all transparent.png", lambda: save(Image.new("RGBA", (16, 12)), "PNG"), np.ones((12, 16)), (WHITE,)),
    Loads("colour, one transparent.png", lambda: save(RGB, "PNG", transparency=(0, 0, 200)), WHITE_CORNER, (WHITE,)),
    Loads("grey.png", lambda: save(GREY_8, "PNG"), GREY_8 / 255),
    Loads("grey of 2 bits.png", lambda: png(16, 12, 2, 0, b"\0\x1b\x1b\x1b\x1b" * 12), FOUR_GREYS),
    Loads("grey and alpha.png", lambda: save(np.dstack([GREY_8, ALPHA]), "PNG"), GREY_ON_WHITE, (WHITE,), 1 / 255),
    Loads("one bit.png", lambda: save(BITS, "PNG"), BITS),
    Loads("grey of 16 bits.png", lambda: save(GREY_16, "PNG"), GREY_16 / 65535),
    Loads("grey of 16 bits, one clear.png", lambda: png_16(GREY_16, 0, chunk(b"tRNS", b"\0\3")), CLEAR_16, (WHITE,)),
    Loads("16 bits and alpha.png", lambda: png_16(GREY_ALPHA_16, 4), GREY_16 / 65535, (DEEP,), 1 / 255),
    Loads("colour of 16 bits.png", lambda: png_16(PIXELS.astype(np.uint16) * 257, 2), COLOURS, (DEEP,)),
    *(
        Loads(f"grey of {bits} bits, one clear.png", lambda b=bits, row=row: clear_grey(b, row), CLEAR_GREY, (WHITE,))
        for bits, row in {2: b"\x1b", 4: b"\x05\xaf", 8: bytes([0, 85, 170, 255])}.items()
    ),
    Loads("one bit, ones clear.png", lambda: png(4, 1, 1, 0, b"\0\x50", tRNS(1)), np.array([[0, 1, 0, 1]]), (WHITE,)),
    Loads("one bit, zeros clear.png", lambda: png(4, 1, 1, 0, b"\0\x50", tRNS(0)), np.ones((1, 4)), (WHITE,)),
    Loads("grey, clear beyond its bits.png", lambda: clear_grey(2, b"\x1b", 4 + 1), CLEAR_GREY, (WHITE,)),
    Loads("16 bits, one clear.png", lambda: png_16(CORNER_16, 2, CLEAR), WHITE_CORNER_16, (DEEP, WHITE)),
    Loads("16 bits, dark red clear.png", lambda: png_16(REDS_16, 2, tRNS(0x8000, 0, 0)), CLEAR_REDS, (DEEP, WHITE)),
    Loads("16 bits, none clear.png", lambda: png_16(REDS_16, 2, tRNS(1, 2, 3)), REDS_16 // 256 / 255, (DEEP,)),
    Loads(
        "16 bits in passes, one clear.png",
        lambda: interlaced_png_16(CORNER_16, CLEAR),
        WHITE_CORNER_16,
        (DEEP, WHITE),
    ),
    Loads(
        "16 bits, one clear, turned.png",
        lambda: png_16(STORED[6](CORNER_16), 2, CLEAR, exif_chunk(6)),
        WHITE_CORNER_16,
        (BY_EXIF, DEEP, WHITE),
    ),
    Loads("half clear.png", lambda: save(PALETTE, "PNG", transparency=half_clear()), HALF_CLEAR, (WHITE,), 1 / 255),
    Loads("gamma.png", lambda: png(16, 12, 8, 2, ROWS, chunk(b"gAMA", struct.pack(">I", 100_000))), COLOURS),
    Loads("a still before the animation.png", lambda: several("PNG", default_image=True), COLOURS, ("first of the",)),
    Loads("profile of sRGB.png", lambda: profiled(b"sRGB built-in"), COLOURS),
    Loads("profile of a phone.png", lambda: profiled(b"Display P3   "), COLOURS, ("colour profile (Display P3)",)),
    Loads("broken profile.png", lambda: save(RGB, "PNG", icc_profile=b"none"), COLOURS, ("of an unknown name",)),
    Loads("turned.png", lambda: turned("PNG", 6), COLOURS, ("orientation (6)",)),
    Loads("moving.png", lambda: several("PNG"), COLOURS, (FIRST,)),
    Loads("exif is rubbish.png", with_broken_exif, COLOURS, ("Corrupt EXIF data",)),
    Loads("one pixel.png", lambda: save(PIXELS[:1, :1], "PNG"), COLOURS[:1, :1]),
    Loads("twenty to one.png", lambda: save(LINE[:, :20], "PNG"), LINE[:, :20] / 255),
    Loads("is a png.jpg", lambda: save(RGB, "PNG"), COLOURS),
    Loads("name without an ending", lambda: save(RGB, "PNG"), COLOURS),
    # jpeg
    Loads("colour.jpg", lambda: save(RGB, "JPEG", quality=95), COLOURS, (), JPEG),
    Loads("grey.jpg", lambda: save(GREY_8, "JPEG", quality=95), GREY_8 / 255, (), JPEG),
    Loads("progressive.jpg", lambda: save(RGB, "JPEG", quality=95, progressive=True), COLOURS, (), JPEG),
    Loads("cmyk.jpg", lambda: save(RGB.convert("CMYK"), "JPEG", quality=95), COLOURS, (CMYK,), JPEG),
    Loads("junk behind.jpg", lambda: save(RGB, "JPEG", quality=95) + b"junk" * 100, COLOURS, (), JPEG),
    Loads("two in one.mpo", lambda: two_in_one(), COLOURS, ("first of the 2",), JPEG),
    Loads("upright.jpg", lambda: turned("JPEG", 1, quality=95), COLOURS, (), JPEG),
    Loads("no such orientation.jpg", lambda: turned("JPEG", 9, quality=95), COLOURS, (), JPEG),
    *(
        Loads(f"orientation {n}.jpg", lambda n=n: turned("JPEG", n, quality=95), COLOURS, (f"orientation ({n})",), JPEG)
        for n in STORED
    ),
    Loads("not in brightness and colour.jpg", lambda: save(RGB, "JPEG", quality=95, keep_rgb=True), COLOURS, (), JPEG),
    Loads("inks.jpg", lambda: save(INKS, "JPEG", quality=95), PRINTED, (CMYK,), JPEG),
    Loads("inks as Photoshop writes them.jpg", ycck_jpeg, PRINTED, (CMYK,), JPEG),
    # what cameras and programs write into EXIF and XMP
    *(
        Loads(f"{name}.jpg", lambda entry=entry: photo(entry), COLOURS, (BY_EXIF, *told), JPEG)
        for name, (entry, *told) in ODD_EXIF.items()
    ),
    Loads("EXIF mark twice.jpg", lambda: photo(exif=TWICE + exif_of(6)), COLOURS, (BY_EXIF,), JPEG),
    Loads("EXIF that is noise.jpg", lambda: photo(upright=True, exif=NOISE), COLOURS, (), JPEG),
    Loads("EXIF that is noise.png", lambda: png(16, 12, 8, 2, ROWS, chunk(b"eXIf", NOISE)), COLOURS, ("are damaged",)),
    Loads("orientation as text.jpg", lambda: photo((274, 2, 2, b"6\0\0\0"), upright=True), COLOURS, (), JPEG),
    Loads("EXIF of nothing.jpg", lambda: photo(upright=True, exif=b"Exif\0\0"), COLOURS, (), JPEG),
    Loads("XMP turns.jpg", lambda: save(SIDEWAYS, "JPEG", xmp=xmp(XMP_6), quality=95), COLOURS, (BY_XMP,), JPEG),
    Loads("XMP turns.png", lambda: save(SIDEWAYS, "PNG", pnginfo=xmp_chunk(XMP_6)), COLOURS, (BY_XMP,)),
    Loads("XMP turns.webp", lambda: save(SIDEWAYS, "WEBP", xmp=xmp(XMP_6), lossless=True), COLOURS, (BY_XMP,)),
    Loads("XMP in an element.jpg", lambda: save(SIDEWAYS, "JPEG", xmp=xmp(XMP_6_INSIDE)), COLOURS, (BY_XMP,), 0.25),
    Loads("XMP of 1.jpg", lambda: save(RGB, "JPEG", xmp=xmp(XMP_6.replace("6", "1")), quality=95), COLOURS, (), JPEG),
    Loads("EXIF goes before XMP.png", lambda: turned("PNG", 8, pnginfo=xmp_chunk(XMP_6)), COLOURS, ("EXIF orient",)),
    # webp
    Loads("lossless.webp", lambda: save(RGB, "WEBP", lossless=True), COLOURS),
    Loads("lossy.webp", lambda: save(RGB, "WEBP", quality=95), COLOURS, (), 0.1),
    Loads("alpha.webp", lambda: save(RGBA, "WEBP", lossless=True, exact=True), ON_WHITE, (WHITE,), 1 / 255),
    Loads("moving.webp", lambda: several("WEBP", lossless=True), COLOURS, (FIRST,)),
    Loads("turned.webp", lambda: turned("WEBP", 8, lossless=True), COLOURS, ("orientation (8)",)),
    # gif
    Loads("still.gif", lambda: save(RGB, "GIF"), COLOURS),
    Loads("moving.gif", lambda: several("GIF"), COLOURS, (FIRST,)),
    Loads("screen smaller than its frame.gif", lambda: with_size(save(RGB, "GIF"), 6, "<HH", 0, 0), COLOURS),
    Loads("transparent.gif", lambda: save(PALETTE, "GIF", transparency=CORNER), WHITE_CORNER, (WHITE,)),
    # bmp
    Loads("colour.bmp", lambda: save(RGB, "BMP"), COLOURS),
    Loads("palette.bmp", lambda: save(PALETTE, "BMP"), COLOURS),
    Loads("one bit.bmp", lambda: save(BITS, "BMP"), BITS),
    Loads("fourth byte unused.bmp", lambda: save(RGBA, "BMP"), COLOURS),
    Loads("alpha.bmp", bmp_with_alpha, ON_WHITE, (WHITE,), 1 / 255),
    # tiff
    Loads("colour.tiff", lambda: save(RGB, "TIFF"), COLOURS),
    Loads("packed.tiff", lambda: save(RGB, "TIFF", compression="tiff_lzw"), COLOURS),
    Loads("fax.tiff", lambda: save(BITS, "TIFF", compression="group4"), BITS),
    Loads("big.tiff", lambda: save(RGB, "TIFF", big_tiff=True), COLOURS),
    Loads("alpha.tiff", lambda: save(RGBA, "TIFF"), ON_WHITE, (WHITE,), 1 / 255),
    Loads("alpha multiplied in.tiff", lambda: colour_tiff(PREMULTIPLIED, t338=1), ON_WHITE, (WHITE,), 1 / 100),
    Loads("fourth number unused.tiff", lambda: colour_tiff(np.array(RGBA), t338=0), COLOURS),
    Loads("colour of 16 bits.tiff", lambda: colour_tiff(CORNER_16), CORNER_16 // 256 / 255, (DEEP,)),
    Loads("turned, odd EXIF.tiff", lambda: save(SIDEWAYS, "TIFF", tiffinfo=ODD_TIFF), COLOURS, (BY_EXIF,)),
    Loads("inks.tiff", lambda: save(INKS, "TIFF"), PRINTED, (CMYK,), 1 / 255),
    Loads("cmyk.tiff", lambda: save(RGB.convert("CMYK"), "TIFF"), COLOURS, (CMYK,)),
    Loads("three pages.tiff", lambda: several("TIFF"), COLOURS, (FIRST,)),
    Loads("turned.tiff", lambda: turned("TIFF", 5), COLOURS, ("orientation (5)",)),
    Loads("turned, packed.tiff", lambda: turned("TIFF", 6, compression="tiff_lzw"), COLOURS, ("orientation (6)",)),
    Loads("white is zero.tiff", lambda: grey_tiff(GREY_8, photometric=0), 1 - GREY_8 / 255),
    Loads("grey of 16 bits.tiff", lambda: save(GREY_16, "TIFF"), GREY_16 / 65535),
    Loads("grey of 16 bits, packed.tiff", lambda: save(GREY_16, "TIFF", compression="tiff_lzw"), GREY_16 / 65535),
    Loads("grey of 16 bits, big end first.tiff", lambda: grey_tiff(GREY_16, order=">"), GREY_16 / 65535),
    Loads("grey of 16 bits, white is zero.tiff", lambda: grey_tiff(GREY_16, photometric=0), 1 - GREY_16 / 65535),
    Loads("16 bits, turned.tiff", lambda: grey_tiff(STORED[6](GREY_16), t274=6), GREY_16 / 65535, ("orientation (6)",)),
    Loads("grey of 12 bits.tiff", lambda: tiff(packed_12(GREY_12), 16, 12, 12), GREY_12 / 4095),
]  # fmt: skip

CUT = "cannot be decoded: it is damaged"
LIKE = "cannot be read: it looks like "

REFUSED = [
    # no picture
    Refused("empty.png", lambda: b"", "holds no bytes"),
    Refused("text.jpg", lambda: b"Dear diary, it rained.\n", LIKE + "text;"),
    Refused("text with umlauts cut in two.jpg", lambda: ("x" + "ä" * 3000).encode(), LIKE + "text;"),
    Refused("text that begins with BM.bmp", lambda: b"BMX is a sport.\n" * 9, LIKE + "text;"),
    Refused("web page.jpg", lambda: b"\n<!DOCTYPE html><html><body>404</body></html>", LIKE + "a web page;"),
    Refused("drawing.svg", lambda: b'<?xml version="1.0"?><svg width="9" height="9"></svg>', LIKE + "an SVG drawing;"),
    Refused("address.png", lambda: b"data:image/png;base64,iVBORw0KGgo=", LIKE + "text;"),
    Refused("paper.pdf", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", LIKE + "a PDF document;"),
    Refused("pictures.zip", zip_file, LIKE + "no picture that is known here;"),
    Refused("picture.gz", lambda: b"\x1f\x8b\x08\0\0\0\0\0", LIKE + "no picture that is known here;"),
    Refused("IMG_0001.heic", lambda: box(b"heic"), LIKE + "a HEIC photograph"),
    Refused("IMG_0002.jpg", lambda: box(b"mif1"), LIKE + "a HEIC or AVIF picture"),
    Refused("picture.avif", lambda: box(b"avif"), LIKE + "an AVIF picture;"),
    Refused("film.mp4", lambda: box(b"mp42"), LIKE + "no picture that is known here;"),
    Refused("film.avi", lambda: b"RIFF\x99\0\0\0AVI LIST\x80", LIKE + "no picture that is known here;"),
    Refused("plain.pdf", lambda: b"%PDF-1.7\n1 0 obj\n", LIKE + "a PDF document;"),
    Refused("icon.ico", lambda: save(RGB, "ICO"), LIKE + "no picture that is known here;"),
    Refused("picture.ppm", lambda: save(RGB, "PPM"), LIKE + "no picture that is known here;"),
    Refused("picture.jp2", lambda: b"\0\0\0\x0cjP  \r\n\x87\n", LIKE + "no picture that is known here;"),
    Refused("noise.png", lambda: np.random.default_rng(5).bytes(900), LIKE + "no picture that is known here;"),
    # damaged
    Refused("half.png", lambda: half(save(RGB, "PNG")), CUT),
    Refused("half.jpg", lambda: half(save(RGB, "JPEG")), CUT),
    Refused("half.webp", lambda: half(save(RGB, "WEBP")), CUT),
    Refused("half.gif", lambda: half(save(RGB, "GIF")), CUT),
    Refused("half.bmp", lambda: half(save(RGB, "BMP")), CUT),
    Refused("half.tiff", lambda: half(save(RGB, "TIFF")), CUT),
    Refused("half, packed.tiff", lambda: half(save(RGB, "TIFF", compression="tiff_lzw")), CUT),
    Refused("signature only.png", lambda: save(RGB, "PNG")[:8], CUT),
    Refused("signature only.jpg", lambda: save(RGB, "JPEG")[:3], CUT),
    Refused("second frame cut.gif", lambda: several("GIF")[: len(save(RGB, "GIF")) + 40], CUT),
    Refused("line ends changed.png", lambda: save(RGB, "PNG").replace(b"\r\n", b"\n"), CUT),
    Refused("a wrong bit.png", lambda: save(RGB, "PNG").replace(b"IDATx", b"IDATy"), CUT),
    Refused("header comes second.png", header_second, CUT),
    Refused("words that unpack to too much.png", lambda: png_with_long_text(90_000_000), CUT),
    # sizes
    Refused("no width.png", lambda: png(0, 12, 8, 2, b""), CUT),
    Refused("no size.bmp", lambda: with_size(save(RGB, "BMP"), 18, "<ii", 0, 0), CUT),
    Refused("no height.jpg", lambda: jpeg_with_size(0, 16), CUT),
    Refused("bomb of 144 million.png", lambda: bits_png(12_000), "12000 x 12000 pixels. Expected at most 64 million"),
    Refused("bomb of 2500 million.png", lambda: png(50_000, 50_000, 8, 2, bytes(99)), "too large to unpack"),
    Refused("bomb.gif", lambda: with_size(save(RGB, "GIF"), 6, "<HH", 65_535, 65_535), "too large to unpack"),
    Refused("bomb.jpg", lambda: jpeg_with_size(17_000, 17_000), "17000 x 17000 pixels. Expected at most 256 million"),
    Refused("bomb.bmp", lambda: with_size(save(RGB, "BMP"), 18, "<ii", 30_000, 30_000), "too large to unpack"),
    Refused("bomb.tiff", lambda: tiff(bytes(99), 30_000, 30_000, 8), "too large to unpack"),
    Refused("line.png", lambda: save(LINE[:, :21], "PNG"), "1 x 21 pixels; expected a side at most 20 times the other"),
    Refused("pole.jpg", lambda: save(LINE.swapaxes(0, 1), "JPEG"), "320 x 1 pixels; expected a side at most 20 times"),
    # numbers without a known white
    Refused("depth.tiff", lambda: save(Image.fromarray(GREY_16.astype(np.float32)), "TIFF"), "mode 'F'"),
    Refused("counts.tiff", lambda: save(Image.fromarray(GREY_16.astype(np.int32)), "TIFF"), "mode 'I'"),
    Refused("signed bytes.tiff", lambda: grey_tiff(GREY_8, t339=2), "numbers that may be negative; expected grey"),
    Refused("signed numbers.tiff", lambda: grey_tiff(GREY_16, t339=2), "mode 'I'"),
    Refused("lab.tiff", lambda: save(Image.new("LAB", (16, 12)), "TIFF"), "mode 'LAB'"),
    Refused("raw.dng", lambda: grey_tiff(GREY_8, t254=1), "only a small preview"),
]  # fmt: skip
