//! What a file is by its first bytes, and how large a picture is, without decoding it.
use std::io::{self, Read, Seek, SeekFrom};

use crate::model::{ItemKind, Size};

/// Kinds of content that jobs take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Media {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
    /// BMP.
    Bmp,
    /// TIFF.
    Tiff,
    /// WAV.
    Wav,
    /// FLAC.
    Flac,
    /// MP3.
    Mp3,
    /// Ogg: Vorbis, Opus.
    Ogg,
    /// AAC or ALAC in an MP4 container.
    M4a,
    /// UTF-8 without NUL.
    Text,
}

impl Media {
    /// Such as `image/png`.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
            Self::Mp3 => "audio/mpeg",
            Self::Ogg => "audio/ogg",
            Self::M4a => "audio/mp4",
            Self::Text => "text/plain",
        }
    }
    /// What an item of it is.
    #[must_use]
    pub fn kind(self) -> ItemKind {
        match self {
            Self::Png | Self::Jpeg | Self::Gif | Self::Webp | Self::Bmp | Self::Tiff => ItemKind::Image,
            Self::Wav | Self::Flac | Self::Mp3 | Self::Ogg | Self::M4a => ItemKind::Audio,
            Self::Text => ItemKind::Text,
        }
    }
}

/// What a picture or a recording begins with. Texts have no mark.
#[must_use]
pub fn sniff(head: &[u8]) -> Option<Media> {
    let at = |from: usize, mark: &[u8]| head.get(from..).is_some_and(|rest| rest.starts_with(mark));
    let mp3 = || head.first() == Some(&0xff) && head.get(1).is_some_and(|b| matches!(b, 0xfb | 0xfa | 0xf3 | 0xf2 | 0xe3 | 0xe2));
    Some(match () {
        () if at(0, b"\x89PNG\r\n\x1a\n") => Media::Png,
        () if at(0, b"\xff\xd8\xff") => Media::Jpeg,
        () if at(0, b"GIF87a") || at(0, b"GIF89a") => Media::Gif,
        () if at(0, b"RIFF") && at(8, b"WEBP") => Media::Webp,
        () if at(0, b"RIFF") && at(8, b"WAVE") => Media::Wav,
        () if at(0, b"BM") && at(6, b"\0\0\0\0") => Media::Bmp,
        () if at(0, b"II*\0") || at(0, b"MM\0*") => Media::Tiff,
        () if at(0, b"fLaC") => Media::Flac,
        () if at(0, b"OggS") => Media::Ogg,
        () if at(4, b"ftypM4A") || at(4, b"ftypmp42") || at(4, b"ftypisom") => Media::M4a,
        () if at(0, b"ID3") || mp3() => Media::Mp3,
        () => return None,
    })
}

/// Width and height from a picture's header; none where the header tells none or the format keeps it elsewhere (TIFF).
///
/// # Errors
/// When the file cannot be read.
pub fn picture_size(mut file: impl Read + Seek, media: Media) -> io::Result<Option<Size>> {
    file.rewind()?;
    let mut head = Vec::with_capacity(64);
    (&mut file).take(64).read_to_end(&mut head)?;
    let size = match media {
        Media::Png => both(big4(&head, 16), big4(&head, 20)),
        Media::Gif => both(little(&head, 6, 2), little(&head, 8, 2)),
        Media::Bmp => both(little(&head, 18, 4), little(&head, 22, 4).map(|h| i32::from_ne_bytes(h.to_ne_bytes()).unsigned_abs())),
        Media::Webp => webp(&head),
        Media::Jpeg => jpeg(&mut file)?,
        _ => None,
    };
    Ok(size.filter(|s| s.width > 0 && s.height > 0))
}

fn both(width: Option<u32>, height: Option<u32>) -> Option<Size> {
    Some(Size { width: width?, height: height? })
}

fn big4(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn little(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    let part = bytes.get(at..)?.get(..length)?;
    Some(part.iter().rev().fold(0, |n: u32, b| (n << 8) | u32::from(*b)))
}

/// The three kinds of WebP: lossy, lossless, extended.
fn webp(head: &[u8]) -> Option<Size> {
    let one_more = |n: u32| n.checked_add(1);
    match head.get(12..16)? {
        b"VP8 " => both(little(head, 26, 2).map(|n| n & 0x3fff), little(head, 28, 2).map(|n| n & 0x3fff)),
        b"VP8L" => {
            let bits = little(head, 21, 4)?;
            both(one_more(bits & 0x3fff), one_more((bits >> 14) & 0x3fff))
        }
        b"VP8X" => both(one_more(little(head, 24, 3)?), one_more(little(head, 27, 3)?)),
        _ => None,
    }
}

/// Goes from segment to segment to the frame header, over at most 1,000 of them.
fn jpeg(file: &mut (impl Read + Seek)) -> io::Result<Option<Size>> {
    file.seek(SeekFrom::Start(2))?;
    for _ in 0..1_000 {
        let mut mark = [0; 4];
        if file.read_exact(&mut mark).is_err() {
            return Ok(None);
        }
        let [0xff, kind, high, low] = mark else { return Ok(None) };
        if kind == 0xff {
            file.seek(SeekFrom::Current(-3))?; // padding before a marker
            continue;
        }
        if matches!(kind, 0xc0..=0xcf) && !matches!(kind, 0xc4 | 0xc8 | 0xcc) {
            let mut frame = [0; 5];
            if file.read_exact(&mut frame).is_err() {
                return Ok(None);
            }
            let [_, h1, h2, w1, w2] = frame;
            return Ok(Some(Size { width: u16::from_be_bytes([w1, w2]).into(), height: u16::from_be_bytes([h1, h2]).into() }));
        }
        let Some(rest) = u16::from_be_bytes([high, low]).checked_sub(2) else { return Ok(None) };
        file.seek(SeekFrom::Current(rest.into()))?;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn the_size_of_a_picture_is_read_from_its_header() {
        let png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &640_u32.to_be_bytes(), &480_u32.to_be_bytes()].concat();
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0\x00\x11\x08\x00\x10\x00\x20\x03".to_vec();
        let gif = b"GIF89a\x03\x00\x02\x00".to_vec();
        let vp8x = [b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".as_slice(), &[9, 0, 0, 4, 0, 0]].concat();
        for (bytes, media, size) in
            [(png, Media::Png, (640, 480)), (jpeg, Media::Jpeg, (32, 16)), (gif, Media::Gif, (3, 2)), (vp8x, Media::Webp, (10, 5))]
        {
            assert_eq!(sniff(&bytes), Some(media));
            let found = picture_size(Cursor::new(&bytes), media).unwrap();
            assert_eq!(found, Some(Size { width: size.0, height: size.1 }));
            for cut in 0..bytes.len() {
                picture_size(Cursor::new(&bytes[..cut]), media).unwrap();
            }
        }
        assert_eq!((sniff(b"hello"), sniff(b"")), (None, None));
        assert_eq!(sniff(b"RIFF....WAVEfmt "), Some(Media::Wav));
    }
}
