//! What the tokens of BinXML begin; MS-EVEN6 2.2.12.

pub(super) const END_OF_STREAM: u8 = 0x00;
pub(super) const OPEN: u8 = 0x01;
pub(super) const CLOSE_START: u8 = 0x02;
pub(super) const CLOSE_EMPTY: u8 = 0x03;
pub(super) const END: u8 = 0x04;
pub(super) const TEXT: u8 = 0x05;
pub(super) const ATTRIBUTE: u8 = 0x06;
pub(super) const GAP: u8 = 0x0d;
pub(super) const OPTIONAL_GAP: u8 = 0x0e;
/// A bit that says that more of the same follows.
pub(super) const MORE: u8 = 0x40;

/// Whether a token begins an element.
pub(in super::super) fn is_element(token: u8) -> bool {
    token & !MORE == OPEN
}
