//! The part of an event that every event has, out of the values of the System context.
//!
//! Fields come in the order and under the names in which the XML has them. Source: winevt.h
//! (`EVT_SYSTEM_PROPERTY_ID`) and the event schema.

use evtmap::event::{Event, Place, Value};

use crate::value::{Unusual, Values, kind};

/// The values of the System context.
pub(crate) mod property {
    pub(crate) const PROVIDER_NAME: usize = 0;
    pub(crate) const EVENT_ID: usize = 2;
    pub(crate) const VERSION: usize = 17;
}

/// Each field: its name, which value it is, and as what it is written, if not as what it is.
const FIELDS: &[(&str, usize, Option<u8>)] = &[
    (PROVIDER_NAME, property::PROVIDER_NAME, None),
    ("Provider_Guid", 1, None),
    ("EventID_Qualifiers", 3, None),
    ("EventID", property::EVENT_ID, None),
    ("Version", property::VERSION, None),
    ("Level", 4, None),
    ("Task", 5, None),
    ("Opcode", 6, None),
    // A number to the context, and digits of a mask to all who read it.
    ("Keywords", 7, Some(kind::HEX_INT64)),
    ("TimeCreated_SystemTime", 8, None),
    ("EventRecordID", 9, None),
    ("Correlation_ActivityID", 10, None),
    ("Correlation_RelatedActivityID", 11, None),
    ("Execution_ProcessID", 12, None),
    ("Execution_ThreadID", 13, None),
    ("Channel", 14, None),
    ("Computer", 15, None),
    ("Security_UserID", 16, None),
];
const PROVIDER_NAME: &str = "Provider_Name";

/// The name that a provider had as a source of older kind. The context lacks it.
pub(crate) const SOURCE_NAME: &str = "Provider_EventSourceName";

/// Adds the fields of System. `source_name` is what the XML of such events has more of their provider.
///
/// # Errors
/// When a value is not read here. The fields before it are then in the event.
pub(crate) fn read(
    values: Values<'_>,
    source_name: Option<&str>,
    event: &mut Event,
    text: &mut String,
) -> Result<(), Unusual> {
    for (name, index, written_as) in FIELDS {
        let value = values.get(*index)?;
        if value.kind != kind::NULL {
            text.clear();
            value.write_as(written_as.unwrap_or(value.kind), text)?;
            event.push(Place::System, name, Value::Text(text));
        }
        if let Some(source_name) = source_name.filter(|_| *name == "Provider_Guid") {
            event.push(Place::System, SOURCE_NAME, Value::Text(source_name));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::value::Buffer;
    use crate::value::tests::{filled, utf16};

    /// The System values of an event 4625.
    pub(crate) fn values() -> Buffer {
        let sid = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
        filled(&[
            (kind::STRING, &utf16("Microsoft-Windows-Security-Auditing")),
            (
                kind::GUID,
                &[
                    0x25, 0x96, 0x84, 0x54, 0x78, 0x54, 0x94, 0x49, 0xa5, 0xba, 0x3e, 0x3b, 3, 0x28, 0xc3,
                    0x0d,
                ],
            ),
            (kind::UINT16, &4625_u16.to_le_bytes()),
            (kind::NULL, &[]),
            (kind::UINT8, &[0]),
            (kind::UINT16, &12544_u16.to_le_bytes()),
            (kind::UINT8, &[0]),
            (kind::INT64, &0x8010_0000_0000_0000_u64.to_le_bytes()),
            (kind::FILETIME, &134_167_968_000_000_000_u64.to_le_bytes()),
            (kind::UINT64, &77_u64.to_le_bytes()),
            (kind::NULL, &[]),
            (kind::NULL, &[]),
            (kind::UINT32, &600_u32.to_le_bytes()),
            (kind::UINT32, &604_u32.to_le_bytes()),
            (kind::STRING, &utf16("Security")),
            (kind::STRING, &utf16("DC01.corp.example")),
            (kind::SID, &sid),
            (kind::UINT8, &[2]),
        ])
    }

    #[test]
    fn every_field() {
        let mut event = Event::new();
        read(values().values(18), Some("Security"), &mut event, &mut String::new()).unwrap();
        let expected = r#"
            System Provider_Name "Microsoft-Windows-Security-Auditing"
            System Provider_Guid "{54849625-5478-4994-a5ba-3e3b0328c30d}"
            System Provider_EventSourceName "Security"
            System EventID "4625"
            System Version "2"
            System Level "0"
            System Task "12544"
            System Opcode "0"
            System Keywords "0x8010000000000000"
            System TimeCreated_SystemTime "2026-03-01T00:00:00.0000000Z"
            System EventRecordID "77"
            System Execution_ProcessID "600"
            System Execution_ThreadID "604"
            System Channel "Security"
            System Computer "DC01.corp.example"
            System Security_UserID "S-1-5-18"
        "#;
        let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(event.to_string().lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn too_few_values() {
        assert_eq!(read(filled(&[]).values(0), None, &mut Event::new(), &mut String::new()), Err(Unusual));
    }
}
