//! Encodings: UTF-16 and base64, as attackers wrap their commands.
//!
//! Specification: sigma-appendix-modifiers, "Encoding Modifiers". They work on the bytes of the text and
//! therefore know no wildcards; `wide` and its kin stand before `base64` or `base64offset`.

use super::{Draft, Problem, Spec, Value};
use crate::pattern::Pattern;

pub(super) const MODIFIERS: &[Spec] = &[
    Spec { name: "base64", aliases: &[], apply: base64 },
    Spec { name: "base64offset", aliases: &[], apply: base64offset },
    Spec { name: "wide", aliases: &["utf16le"], apply: |draft| utf16(draft, "wide", utf16le) },
    Spec { name: "utf16be", aliases: &[], apply: |draft| utf16(draft, "utf16be", utf16be) },
    Spec { name: "utf16", aliases: &[], apply: |draft| utf16(draft, "utf16", utf16_with_mark) },
];

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text's own bytes, or those an encoding made of it.
fn bytes(value: Value, modifier: &str) -> Result<Vec<u8>, Problem> {
    if let Value::Bytes(bytes) = value {
        return Ok(bytes);
    }
    match value.into_pattern() {
        Ok(pattern) => literal(&pattern, modifier).map(|text| text.as_bytes().to_vec()),
        Err(other) => Err(Problem::invalid(format!("`{modifier}` takes a text, not {}", other.kind()))),
    }
}

fn literal<'a>(pattern: &'a Pattern, modifier: &str) -> Result<&'a str, Problem> {
    pattern.as_literal().ok_or_else(|| {
        Problem::invalid(format!("`{modifier}` cannot encode wildcards or placeholders"))
            .help(format!("write `contains` and its like after `{modifier}`, or escape `*` and `?`"))
    })
}

fn base64(draft: &mut Draft<'_>) -> Result<(), Problem> {
    draft.map(|value| {
        let bytes = bytes(value, "base64")?;
        let mut text = encode(&bytes);
        while !text.len().is_multiple_of(4) {
            text.push('=');
        }
        Ok(Value::Text(Pattern::literal(&text)))
    })
}

/// The three texts that the bytes can become inside a longer encoded text, depending on where they begin;
/// without the characters that depend on the bytes before and behind.
fn base64offset(draft: &mut Draft<'_>) -> Result<(), Problem> {
    draft.map(|value| {
        let bytes = bytes(value, "base64offset")?;
        let texts = (0..3).filter_map(|offset| {
            let mut shifted = vec![0; offset];
            shifted.extend_from_slice(&bytes);
            let encoded = encode(&shifted);
            let start = [0, 2, 3].get(offset).copied()?;
            let end = encoded.len().saturating_sub(usize::from(!shifted.len().is_multiple_of(3)));
            let text = encoded.get(start..end).filter(|text| !text.is_empty())?;
            Some(Value::Text(Pattern::literal(text)))
        });
        let texts: Vec<Value> = texts.collect();
        if texts.is_empty() {
            return Err(Problem::invalid("the text is too short for `base64offset`"));
        }
        Ok(Value::AnyOf(texts))
    })
}

/// Base64 in the standard alphabet without padding.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..=group.len() {
            let index = (bits >> (18 - 6 * i)) & 63;
            text.extend(ALPHABET.get(index as usize).map(|b| char::from(*b)));
        }
    }
    text
}

fn utf16(draft: &mut Draft<'_>, name: &str, encode: fn(&str) -> Vec<u8>) -> Result<(), Problem> {
    draft.map_text(name, |pattern| Ok(Value::Bytes(encode(literal(&pattern, name)?))))
}

fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn utf16be(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Little endian behind a byte order mark.
fn utf16_with_mark(text: &str) -> Vec<u8> {
    utf16le(&format!("\u{feff}{text}"))
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn rfc_4648() {
        for (text, encoded) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("\u{ff}~", "w79+")]
        {
            assert_eq!(encode(text.as_bytes()), encoded, "{text}");
        }
    }
}
