//! The values of a record as the text that Windows shows for them.
//!
//! Source: MS-EVEN6 2.2.12 (BinXML types) and how the evtx crate writes them, which follows Windows' XML.
//! A value that is not as its type says, or is of a type that hardly occurs, is left to that crate.

use std::iter;

use jiff::Timestamp;
use jiff::civil::Date;

/// The first FILETIME of the year 10000, which no longer has four digits.
pub(super) const FILETIME_END: u64 = 2_650_467_744_000_000_000;
const TICKS_A_DAY: u64 = 864_000_000_000;
const TICKS_A_SECOND: u64 = 10_000_000;
/// From 1601, where a FILETIME begins.
const SECONDS_TO_1970: i64 = 11_644_473_600;

/// The types of values; MS-EVEN6 2.2.12.
pub(super) mod kind {
    pub(in super::super) const NULL: u8 = 0x00;
    pub(in super::super) const STRING: u8 = 0x01;
    pub(in super::super) const ANSI_STRING: u8 = 0x02;
    pub(in super::super) const INT8: u8 = 0x03;
    pub(in super::super) const UINT8: u8 = 0x04;
    pub(in super::super) const INT16: u8 = 0x05;
    pub(in super::super) const UINT16: u8 = 0x06;
    pub(in super::super) const INT32: u8 = 0x07;
    pub(in super::super) const UINT32: u8 = 0x08;
    pub(in super::super) const INT64: u8 = 0x09;
    pub(in super::super) const UINT64: u8 = 0x0a;
    pub(in super::super) const BOOL: u8 = 0x0d;
    pub(in super::super) const BINARY: u8 = 0x0e;
    pub(in super::super) const GUID: u8 = 0x0f;
    pub(in super::super) const SIZE_T: u8 = 0x10;
    pub(in super::super) const FILETIME: u8 = 0x11;
    pub(in super::super) const SYSTEMTIME: u8 = 0x12;
    pub(in super::super) const SID: u8 = 0x13;
    pub(in super::super) const HEX_INT32: u8 = 0x14;
    pub(in super::super) const HEX_INT64: u8 = 0x15;
    pub(in super::super) const BINXML: u8 = 0x21;
    pub(in super::super) const STRING_ARRAY: u8 = 0x81;
}

/// A value that is not written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unusual;

/// A value of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawValue<'c> {
    pub(super) kind: u8,
    pub(super) bytes: &'c [u8],
}

impl<'c> RawValue<'c> {
    /// Whether there is nothing in it.
    pub(super) fn is_empty(self) -> bool {
        match self.kind {
            kind::NULL => true,
            kind::STRING => matches!(self.bytes, [] | [_] | [0, 0, ..]),
            kind::ANSI_STRING => self.bytes.iter().all(|byte| *byte == 0),
            kind::BINARY | kind::BINXML | kind::STRING_ARRAY => self.bytes.is_empty(),
            _ => false,
        }
    }

    /// Appends its text.
    pub(super) fn write(self, text: &mut String) -> Result<(), Unusual> {
        match self.kind {
            kind::NULL => {}
            kind::STRING => push_utf16(self.bytes, text),
            kind::ANSI_STRING => push_ansi(self.bytes, text)?,
            kind::INT8 => push_int(i8::from_le_bytes(self.array()?), text),
            kind::UINT8 => push_int(u8::from_le_bytes(self.array()?), text),
            kind::INT16 => push_int(i16::from_le_bytes(self.array()?), text),
            kind::UINT16 => push_int(u16::from_le_bytes(self.array()?), text),
            kind::INT32 => push_int(i32::from_le_bytes(self.array()?), text),
            kind::UINT32 => push_int(u32::from_le_bytes(self.array()?), text),
            kind::INT64 => push_int(i64::from_le_bytes(self.array()?), text),
            kind::UINT64 => push_int(u64::from_le_bytes(self.array()?), text),
            kind::BOOL => match i32::from_le_bytes(self.array()?) {
                0 => text.push_str("false"),
                1 => text.push_str("true"),
                other => push_int(other, text),
            },
            kind::BINARY => self.bytes.chunks(32).for_each(|bytes| push_hex_bytes(bytes, text)),
            kind::GUID => push_guid(self.array()?, text),
            kind::SIZE_T if self.bytes.len() == 4 => push_hex(u32::from_le_bytes(self.array()?).into(), text),
            kind::SIZE_T | kind::HEX_INT64 => push_hex(u64::from_le_bytes(self.array()?), text),
            kind::HEX_INT32 => push_hex(u32::from_le_bytes(self.array()?).into(), text),
            kind::FILETIME => push_filetime(u64::from_le_bytes(self.array()?), text)?,
            kind::SYSTEMTIME => push_systemtime(self.array()?, text)?,
            kind::SID => push_sid(self.bytes, text)?,
            _ => return Err(Unusual),
        }
        Ok(())
    }

    /// What time it is, if it is one.
    pub(super) fn time(self) -> Option<Timestamp> {
        if self.kind != kind::FILETIME {
            return None;
        }
        let ticks = u64::from_le_bytes(self.array().ok()?);
        let second = i64::try_from(ticks / TICKS_A_SECOND).ok()? - SECONDS_TO_1970;
        let nanosecond = i32::try_from(ticks % TICKS_A_SECOND * 100).ok()?;
        Timestamp::new(second, nanosecond).ok()
    }

    /// The texts of an array of them, each of which ends with a NUL.
    pub(super) fn texts(self) -> Result<impl Iterator<Item = &'c [u8]>, Unusual> {
        if self.kind != kind::STRING_ARRAY
            || !self.bytes.ends_with(&[0, 0])
            || !self.bytes.len().is_multiple_of(2)
        {
            return Err(Unusual);
        }
        let mut rest = self.bytes;
        Ok(iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let text = until_nul(rest);
            rest = rest.get(text.len() + 2..).unwrap_or_default();
            Some(text)
        }))
    }

    fn array<const N: usize>(self) -> Result<[u8; N], Unusual> {
        self.bytes.try_into().map_err(|_| Unusual)
    }
}

/// A text in UTF-16 up to the first NUL in it.
fn until_nul(bytes: &[u8]) -> &[u8] {
    let (units, _) = bytes.as_chunks::<2>();
    let length = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len());
    bytes.get(..length * 2).unwrap_or_default()
}

/// Appends a text in UTF-16 up to the first NUL in it; half of a surrogate pair becomes U+FFFD.
pub(super) fn push_utf16(bytes: &[u8], text: &mut String) {
    // Nearly all of nearly every text is ASCII: sixteen units at a time are narrowed, and at its end four.
    let mut rest = bytes;
    let mut narrow = [0_u8; 64];
    loop {
        let mut n = 0;
        while let Some((units, after)) = rest.split_first_chunk::<32>()
            && let Some(out) = narrow.get_mut(n..n + 16)
            && narrow_sixteen(units, out)
        {
            rest = after;
            n += 16;
        }
        for out in narrow.get_mut(n..).unwrap_or_default().as_chunks_mut::<4>().0 {
            let Some((four, after)) =
                rest.split_first_chunk().and_then(|(four, after)| Some((ascii(*four)?, after)))
            else {
                break;
            };
            *out = four;
            rest = after;
            n += 4;
        }
        push_ascii(narrow.get(..n).unwrap_or_default(), text);
        if n < narrow.len() {
            break;
        }
    }
    // What is left begins with the end, or with a character in the next four units that is not ASCII.
    let mut units = rest.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).peekable();
    while let Some(unit) = units.next_if(|unit| (1..0x80).contains(unit)) {
        text.push(char::from_u32(unit.into()).unwrap_or_default());
    }
    let units = units.take_while(|unit| *unit != 0);
    text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

/// Writes sixteen units of UTF-16 as ASCII, if they are that and none is NUL. Every processor that this runs on
/// does it in a few steps, since all are treated alike.
#[inline]
fn narrow_sixteen(units: &[u8; 32], out: &mut [u8]) -> bool {
    let mut is_other = 0;
    for (unit, out) in units.as_chunks::<2>().0.iter().zip(out) {
        let unit = u16::from_le_bytes(*unit);
        // NUL becomes the largest number.
        is_other |= unit.wrapping_sub(1) & 0xff80 | unit & 0xff80;
        *out = unit.to_le_bytes()[0];
    }
    is_other == 0
}

/// Four units of UTF-16 as ASCII, if they are that and none is NUL.
#[inline]
fn ascii(units: [u8; 8]) -> Option<[u8; 4]> {
    let word = u64::from_le_bytes(units);
    if word & 0xff80_ff80_ff80_ff80 != 0 {
        return None;
    }
    let pairs = (word | word >> 8) & 0x0000_ffff_0000_ffff;
    let [a, b, c, d, ..] = (pairs | pairs >> 16).to_le_bytes();
    // With 0x7f more, all but NUL reach the highest bit.
    let bits = u32::from_le_bytes([a, b, c, d]) + 0x7f7f_7f7f;
    (bits & 0x8080_8080 == 0x8080_8080).then_some([a, b, c, d])
}

fn push_int(number: impl itoa::Integer, text: &mut String) {
    text.push_str(itoa::Buffer::new().format(number));
}

/// The two hexadecimal digits of every byte.
type HexDigits = [[u8; 2]; 256];
static UPPER: HexDigits = hex_digits(b'A');
static LOWER: HexDigits = hex_digits(b'a');

/// The digits, where that for ten is a certain letter.
#[expect(clippy::indexing_slicing, reason = "a byte is always below 256, and the compiler works this out")]
const fn hex_digits(ten: u8) -> HexDigits {
    const fn digit(number: u8, ten: u8) -> u8 {
        if number < 10 { b'0' + number } else { ten + number - 10 }
    }
    let mut digits = [[0; 2]; 256];
    let mut byte: u8 = 0;
    loop {
        digits[byte as usize] = [digit(byte >> 4, ten), digit(byte & 15, ten)];
        if byte == u8::MAX {
            return digits;
        }
        byte += 1;
    }
}

/// The two hexadecimal digits of a byte.
fn hex(byte: u8, digits: &HexDigits) -> [u8; 2] {
    digits.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Appends digits and signs.
fn push_ascii(ascii: &[u8], text: &mut String) {
    text.push_str(str::from_utf8(ascii).unwrap_or_default());
}

/// Appends at most 32 bytes in hexadecimal.
fn push_hex_bytes(bytes: &[u8], text: &mut String) {
    let mut out = [0_u8; 64];
    for (byte, out) in bytes.iter().zip(out.as_chunks_mut::<2>().0) {
        *out = hex(*byte, &UPPER);
    }
    push_ascii(out.get(..bytes.len() * 2).unwrap_or_default(), text);
}

fn push_hex(number: u64, text: &mut String) {
    let mut out = [0_u8; 16];
    for (byte, out) in number.to_be_bytes().iter().zip(out.as_chunks_mut::<2>().0) {
        *out = hex(*byte, &LOWER);
    }
    let n_zeros = (number.leading_zeros() / 4).min(15) as usize;
    text.push_str("0x");
    push_ascii(out.get(n_zeros..).unwrap_or_default(), text);
}

/// Appends a text in the code page of the computer that wrote it, as far as that is the same in all of them. Zeros
/// stand for nothing.
fn push_ansi(bytes: &[u8], text: &mut String) -> Result<(), Unusual> {
    let written = std::str::from_utf8(bytes).ok().filter(|written| written.is_ascii()).ok_or(Unusual)?;
    written.split('\0').for_each(|part| text.push_str(part));
    Ok(())
}

fn push_guid(guid: [u8; 16], text: &mut String) {
    let [a3, a2, a1, a0, b1, b0, c1, c0, rest @ ..] = guid;
    let mut out = *b"{00000000-0000-0000-0000-000000000000}";
    // Where the digits of each byte stand.
    let places = [1, 3, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 29, 31, 33, 35];
    for (at, byte) in places.into_iter().zip([a0, a1, a2, a3, b0, b1, c0, c1].into_iter().chain(rest)) {
        if let Some(digits) = out.get_mut(at..at + 2) {
            digits.copy_from_slice(&hex(byte, &LOWER));
        }
    }
    push_ascii(&out, text);
}

fn push_sid(sid: &[u8], text: &mut String) -> Result<(), Unusual> {
    let [revision, n_parts, authority @ ..] = sid.first_chunk::<8>().ok_or(Unusual)?;
    let parts = sid.get(8..).unwrap_or_default();
    if parts.len() != usize::from(*n_parts) * 4 {
        return Err(Unusual);
    }
    let authority = authority.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    text.push_str("S-");
    push_int(*revision, text);
    text.push('-');
    push_int(authority, text);
    for part in parts.as_chunks::<4>().0 {
        text.push('-');
        push_int(u32::from_le_bytes(*part), text);
    }
    Ok(())
}

fn push_filetime(time: u64, text: &mut String) -> Result<(), Unusual> {
    if time >= FILETIME_END {
        return Err(Unusual);
    }
    let (days, ticks) = (time / TICKS_A_DAY, time % TICKS_A_DAY);
    let (year, month, day) = date(days);
    let (seconds, fraction) = (ticks / 10_000_000, ticks % 10_000_000);
    push_time([year, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60, fraction], text);
    Ok(())
}

/// Appends a time that Windows keeps by its parts. One that is none is left alone.
fn push_systemtime(bytes: [u8; 16], text: &mut String) -> Result<(), Unusual> {
    let (numbers, _) = bytes.as_chunks::<2>();
    let numbers: Vec<u16> = numbers.iter().map(|number| u16::from_le_bytes(*number)).collect();
    let [year, month, _, day, hour, minute, second, millisecond] = numbers.try_into().map_err(|_| Unusual)?;
    let small = |number: u16| i8::try_from(number).map_err(|_| Unusual);
    let date = Date::new(i16::try_from(year).map_err(|_| Unusual)?, small(month)?, small(day)?);
    if date.is_err() || year < 1601 || hour > 23 || minute > 59 || second > 59 || millisecond > 999 {
        return Err(Unusual);
    }
    let parts = [year, month, day, hour, minute, second].map(u64::from);
    let [year, month, day, hour, minute, second] = parts;
    push_time([year, month, day, hour, minute, second, u64::from(millisecond) * 10_000], text);
    Ok(())
}

/// Appends a time: year, month, day, hour, minute, second, and ten-millionths of a second.
fn push_time(parts: [u64; 7], text: &mut String) {
    const PLACES: [(usize, usize); 7] = [(0, 4), (5, 2), (8, 2), (11, 2), (14, 2), (17, 2), (20, 7)];
    let mut buffer = *b"0000-00-00T00:00:00.0000000Z";
    for ((at, n_digits), number) in PLACES.into_iter().zip(parts) {
        let mut rest = number;
        for digit in buffer.get_mut(at..at + n_digits).unwrap_or_default().iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
    }
    push_ascii(&buffer, text);
}

/// Year, month and day of a number of days since 1601.
fn date(days: u64) -> (u64, u64, u64) {
    // 1601 is the first year of a cycle of 400, in which leap days repeat; a cycle is counted from March, so
    // that a leap day is its year's last. See "Euclidean affine functions and their application to calendar
    // algorithms" (Neri and Schneider, 2022) for why the divisions are right.
    let days = days + 306;
    let cycle = days / 146_097;
    let day_of_cycle = days % 146_097;
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, is_next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (1600 + 400 * cycle + year_of_cycle + is_next_year, month, day)
}

/// The FILETIME of a moment in microseconds since 1970, for tests.
#[cfg(test)]
fn filetime(microseconds: i64) -> u64 {
    /// 100 nanoseconds from 1601 to 1970.
    const EPOCH: u64 = 116_444_736_000_000_000;
    EPOCH.checked_add_signed(microseconds * 10).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn text(kind: u8, bytes: &[u8]) -> Option<String> {
        let mut text = String::new();
        RawValue { kind, bytes }.write(&mut text).ok().map(|()| text)
    }

    #[track_caller]
    fn check(kind: u8, bytes: &[u8], expected: &str) {
        assert_eq!(text(kind, bytes).as_deref(), Some(expected));
    }

    #[test]
    fn values_are_as_windows_shows_them() {
        check(kind::NULL, &[], "");
        check(kind::STRING, b"a\0b\0", "ab");
        check(kind::STRING, b"a\0\0\0b\0", "a");
        check(kind::STRING, &[0x3d, 0xd8, 0x41, 0], "\u{fffd}A");
        check(kind::ANSI_STRING, b"a\0b c\0", "ab c");
        check(kind::INT8, &[0xff], "-1");
        check(kind::UINT32, &[1, 0, 0, 0x80], "2147483649");
        check(kind::INT64, &[0xff; 8], "-1");
        check(kind::BOOL, &[1, 0, 0, 0], "true");
        check(kind::BOOL, &[5, 0, 0, 0], "5");
        check(kind::BINARY, &[0xab, 0], "AB00");
        check(kind::HEX_INT32, &[0x10, 0xa, 0, 0], "0xa10");
        check(kind::HEX_INT64, &[0; 8], "0x0");
        check(kind::SIZE_T, &[0xff; 8], "0xffffffffffffffff");
        check(kind::GUID, &(1..=16).collect::<Vec<u8>>(), "{04030201-0605-0807-090a-0b0c0d0e0f10}");
        check(kind::SID, &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0], "S-1-5-32-544");
        check(kind::FILETIME, &0_u64.to_le_bytes(), "1601-01-01T00:00:00.0000000Z");
        check(kind::FILETIME, &(FILETIME_END - 1).to_le_bytes(), "9999-12-31T23:59:59.9999999Z");
        let parts = [2024_u16, 2, 4, 29, 23, 59, 8, 70];
        check(kind::SYSTEMTIME, parts.map(u16::to_le_bytes).as_flattened(), "2024-02-29T23:59:08.0700000Z");
    }

    #[test]
    fn what_is_unusual_is_left_alone() {
        for (kind, bytes) in [
            (kind::UINT32, &[0_u8; 3][..]),
            (kind::GUID, &[0; 15]),
            (kind::SID, &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0]),
            (kind::FILETIME, &[0xff; 8]),
            (kind::ANSI_STRING, b"caf\xe9"),
            (kind::SYSTEMTIME, &[0; 16]),
            (kind::SYSTEMTIME, [2023_u16, 2, 3, 29, 0, 0, 0, 0].map(u16::to_le_bytes).as_flattened()),
            (0x0b, &[0; 4]),
            (0x82, &[]),
        ] {
            assert_eq!(text(kind, bytes), None, "{kind:#x}");
        }
    }

    #[test]
    fn arrays() {
        let texts = |bytes: &'static [u8]| {
            let value = RawValue { kind: kind::STRING_ARRAY, bytes };
            value.texts().map(|texts| texts.map(<[u8]>::len).collect::<Vec<_>>())
        };
        assert_eq!(texts(b"a\0b\0\0\0\0\0c\0\0\0"), Ok(vec![4, 0, 2]));
        assert_eq!(texts(b"a\0"), Err(Unusual));
    }

    proptest! {
        #[test]
        fn times_are_right(microseconds in -11_644_473_600_000_000_i64..253_402_300_799_999_999) {
            let time = Timestamp::from_microsecond(microseconds).unwrap();
            let bytes = filetime(microseconds).to_le_bytes();
            let shown = text(kind::FILETIME, &bytes).unwrap();
            prop_assert_eq!(shown.parse::<Timestamp>().unwrap(), time);
            prop_assert_eq!(RawValue { kind: kind::FILETIME, bytes: &bytes }.time(), Some(time));
        }

        #[test]
        fn texts_are_right(text in "[a-c]{0,20}(ä|😀|[a-z]{0,90}){0,3}") {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let mut found = "x".to_owned();
            push_utf16(&bytes, &mut found);
            prop_assert_eq!(&found, &format!("x{text}"));
            // What stands behind a NUL is no longer the text.
            let more = [&bytes[..], b"\0\0a\0\0\0"].concat();
            push_utf16(&more, &mut found);
            prop_assert_eq!(&found, &format!("x{text}{text}"));
        }
    }
}
