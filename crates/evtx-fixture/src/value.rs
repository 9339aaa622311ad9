//! Typed values, as a template's substitutions hold them ([MS-EVEN6] 2.2.12, `BinXmlValueType`).
//!
//! [MS-EVEN6]: https://learn.microsoft.com/openspecs/windows_protocols/ms-even6/

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;
use jiff::Timestamp;

use crate::{Guid, Sid};

/// 100 ns intervals between 1601-01-01, where FILETIME begins, and 1970-01-01.
const FILETIME_OF_UNIX_EPOCH: i128 = 116_444_736_000_000_000;

/// The value of one field.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// No value at all.
    #[default]
    Null,
    /// UTF-16 text, at most 32,767 units. Readers stop at a NUL.
    String(String),
    /// Text in code page 1252, at most 65,535 characters. Others are written as `&#…;`.
    Ansi(String),
    /// Signed 8 bits.
    Int8(i8),
    /// Unsigned 8 bits.
    UInt8(u8),
    /// Signed 16 bits.
    Int16(i16),
    /// Unsigned 16 bits.
    UInt16(u16),
    /// Signed 32 bits.
    Int32(i32),
    /// Unsigned 32 bits.
    UInt32(u32),
    /// Signed 64 bits.
    Int64(i64),
    /// Unsigned 64 bits.
    UInt64(u64),
    /// 32-bit floating point.
    Float(f32),
    /// 64-bit floating point.
    Double(f64),
    /// A truth value, 32 bits wide in the file.
    Bool(bool),
    /// Bytes, printed as hexadecimal digits.
    Binary(Vec<u8>),
    /// A GUID.
    Guid(Guid),
    /// A time in steps of 100 ns; one before 1601 is written as the beginning of 1601.
    FileTime(Timestamp),
    /// A security identifier.
    Sid(Sid),
    /// 32 bits, printed as `0x…`.
    HexInt32(u32),
    /// 64 bits, printed as `0x…`.
    HexInt64(u64),
    /// Several UTF-16 texts; the element that holds them is repeated for each.
    Strings(Vec<String>),
}

impl Value {
    /// The type's byte in the file.
    pub(crate) fn type_code(&self) -> u8 {
        match self {
            Self::Null => 0x00,
            Self::String(_) => 0x01,
            Self::Ansi(_) => 0x02,
            Self::Int8(_) => 0x03,
            Self::UInt8(_) => 0x04,
            Self::Int16(_) => 0x05,
            Self::UInt16(_) => 0x06,
            Self::Int32(_) => 0x07,
            Self::UInt32(_) => 0x08,
            Self::Int64(_) => 0x09,
            Self::UInt64(_) => 0x0a,
            Self::Float(_) => 0x0b,
            Self::Double(_) => 0x0c,
            Self::Bool(_) => 0x0d,
            Self::Binary(_) => 0x0e,
            Self::Guid(_) => 0x0f,
            Self::FileTime(_) => 0x11,
            Self::Sid(_) => 0x13,
            Self::HexInt32(_) => 0x14,
            Self::HexInt64(_) => 0x15,
            Self::Strings(_) => 0x81,
        }
    }

    /// The value's bytes in the file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Null => Vec::new(),
            Self::String(text) => utf16(text),
            Self::Ansi(text) => WINDOWS_1252.encode(text).0.into_owned(),
            Self::Int8(n) => n.to_le_bytes().into(),
            Self::UInt8(n) => n.to_le_bytes().into(),
            Self::Int16(n) => n.to_le_bytes().into(),
            Self::UInt16(n) => n.to_le_bytes().into(),
            Self::Int32(n) => n.to_le_bytes().into(),
            Self::UInt32(n) | Self::HexInt32(n) => n.to_le_bytes().into(),
            Self::Int64(n) => n.to_le_bytes().into(),
            Self::UInt64(n) | Self::HexInt64(n) => n.to_le_bytes().into(),
            Self::Float(n) => n.to_le_bytes().into(),
            Self::Double(n) => n.to_le_bytes().into(),
            Self::Bool(truth) => u32::from(*truth).to_le_bytes().into(),
            Self::Binary(bytes) => bytes.clone(),
            Self::Guid(guid) => guid.to_bytes().into(),
            Self::FileTime(time) => filetime(*time).to_le_bytes().into(),
            Self::Sid(sid) => sid.to_bytes(),
            Self::Strings(texts) => {
                texts.iter().flat_map(|text| utf16(text).into_iter().chain([0, 0])).collect()
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Cow<'_, str>> for Value {
    fn from(text: Cow<'_, str>) -> Self {
        Self::String(text.into_owned())
    }
}

/// UTF-16, little-endian, without a NUL.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The time as FILETIME: 100 ns intervals since 1601.
pub(crate) fn filetime(time: Timestamp) -> u64 {
    let ticks = time.as_nanosecond().div_euclid(100) + FILETIME_OF_UNIX_EPOCH;
    u64::try_from(ticks).unwrap_or(0)
}
