//! The user of an event, by name and domain.

/// Name and domain of an account as events write it: `CORP\ada`, `ada@corp.example`, `ada`.
pub(crate) fn name_and_domain(user: &str) -> (&str, Option<&str>) {
    if let Some((domain, name)) = user.split_once('\\') {
        return (name, Some(domain).filter(|domain| !domain.is_empty()));
    }
    match user.split_once('@') {
        Some((name, domain)) if !name.is_empty() && !domain.is_empty() => (name, Some(domain)),
        _ => (user, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts() {
        for (user, expected) in [
            ("CORP\\ada", ("ada", Some("CORP"))),
            ("ada@corp.example", ("ada", Some("corp.example"))),
            ("ada", ("ada", None)),
            ("\\ada", ("ada", None)),
            ("@", ("@", None)),
        ] {
            assert_eq!(name_and_domain(user), expected);
        }
    }
}
