//! What a template says, apart from where in its chunk it stands; and an element that stands in a record itself, apart
//! from the texts in it.

use std::ops::Range;

use super::super::cursor::Cursor;
use super::super::value::{self, Unusual};
use super::element::is_literal;
use super::token;

/// How large a form may be. Many elements may share one long name, which the form has for each.
const MAX_BYTES: usize = 64 << 10;

/// Appends the tokens of the template at the cursor, with its names instead of the places where these stand, and without
/// its lengths.
///
/// All that a [`reader`](super::reader) of the template meets is in it, in the same order: templates of one form are
/// read as the same.
///
/// # Errors
/// When there is something in it that no reader takes.
pub(in super::super) fn write(cursor: &mut Cursor<'_>, form: &mut Vec<u8>) -> Result<(), Unusual> {
    let end_of_form = form.len() + MAX_BYTES;
    cursor.fragment_header()?;
    while form.len() <= end_of_form {
        let token = cursor.token()?;
        form.push(token);
        match token & !token::MORE {
            token::OPEN => {
                form.extend_from_slice(cursor.bytes(2)?);
                let _n_bytes = cursor.u32()?;
                write_text(cursor.name_text()?, form);
                if token & token::MORE != 0 {
                    let _n_bytes = cursor.u32()?;
                }
            }
            token::ATTRIBUTE => write_text(cursor.name_text()?, form),
            token::TEXT => {
                form.push(cursor.token()?);
                write_text(cursor.text()?, form);
            }
            token::GAP | token::OPTIONAL_GAP => form.extend_from_slice(cursor.bytes(3)?),
            token::CLOSE_START | token::CLOSE_EMPTY | token::END => {}
            token::END_OF_STREAM => return Ok(()),
            _ => break,
        }
    }
    Err(Unusual)
}

/// What the form of an element begins with that stands in a record itself: no token is this.
const OWN: u8 = 0xff;

/// Appends the tokens of the element at the cursor, which stands in a record itself, as [`write`] does those of a
/// template, and puts the cursor behind it. Texts that no field is named by are left out: where they are is told to
/// `found`, in the order in which the reader counts them as gaps.
///
/// # Errors
/// When there is something in it that no reader takes, or a text that the evtx crate may see in another way: one that
/// is empty, that ends before its end, or is broken.
pub(in super::super) fn write_element(
    cursor: &mut Cursor<'_>,
    form: &mut Vec<u8>,
    found: &mut impl FnMut(Range<usize>),
) -> Result<(), Unusual> {
    let end_of_form = form.len() + MAX_BYTES;
    form.push(OWN);
    let mut depth = 0_u32;
    let mut element = None;
    let mut is_kept = false;
    while form.len() <= end_of_form {
        let token = cursor.token()?;
        form.push(token);
        let bare = token & !token::MORE;
        match bare {
            token::OPEN => {
                let _n_bytes = cursor.u32()?;
                let name = cursor.name()?;
                write_text(name.utf16(), form);
                element = Some(name);
                is_kept = false;
                if token & token::MORE != 0 {
                    let _n_bytes = cursor.u32()?;
                }
            }
            token::ATTRIBUTE => {
                let name = cursor.name()?;
                write_text(name.utf16(), form);
                is_kept = is_literal(element.ok_or(Unusual)?, name);
            }
            token::TEXT => {
                if cursor.token()? != value::kind::STRING {
                    return Err(Unusual);
                }
                let text = cursor.text()?;
                match is_kept {
                    // A namespace may be empty.
                    true if text.is_empty() || is_plain(text) => write_text(text, form),
                    false if is_plain(text) => found(cursor.at - text.len()..cursor.at),
                    _ => return Err(Unusual),
                }
            }
            token::CLOSE_EMPTY if depth == 0 => return Ok(()),
            token::CLOSE_START | token::CLOSE_EMPTY => {
                depth += u32::from(bare == token::CLOSE_START);
                is_kept = false;
            }
            token::END if depth <= 1 => return Ok(()),
            token::END => depth -= 1,
            _ => break,
        }
    }
    Err(Unusual)
}

/// Whether a text in UTF-16 has something in it, no NUL, and no half of a pair, nor the character that stands for one.
fn is_plain(utf16: &[u8]) -> bool {
    let units = utf16.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    let (all, has_nul) =
        units.clone().fold((0, false), |(all, has_nul), unit| (all | unit, has_nul | (unit == 0)));
    let is_whole = |c: Result<char, _>| c.is_ok_and(|c| c != char::REPLACEMENT_CHARACTER);
    all != 0 && !has_nul && (all < 0x80 || char::decode_utf16(units).all(is_whole))
}

/// Appends a text in UTF-16 behind its length.
fn write_text(utf16: &[u8], form: &mut Vec<u8>) {
    form.extend_from_slice(&utf16.len().to_le_bytes());
    form.extend_from_slice(utf16);
}
