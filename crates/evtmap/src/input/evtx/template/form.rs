//! What a template says, apart from where in its chunk it stands.

use super::super::cursor::Cursor;
use super::super::value::Unusual;
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

/// Appends a text in UTF-16 behind its length.
fn write_text(utf16: &[u8], form: &mut Vec<u8>) {
    form.extend_from_slice(&utf16.len().to_le_bytes());
    form.extend_from_slice(utf16);
}
