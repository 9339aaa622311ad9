//! Networks.
//!
//! Specification: sigma-appendix-modifiers, "IP Modifiers".

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Draft, Problem, Spec, Value};
use crate::diagnostic::Code;
use crate::scalar::Scalar;

pub(super) const MODIFIERS: &[Spec] = &[Spec { name: "cidr", aliases: &[], apply: cidr }];

fn cidr(draft: &mut Draft<'_>) -> Result<(), Problem> {
    let mut warnings = Vec::new();
    for value in &draft.values {
        if let Value::Written(Scalar { text, .. }) = value
            && let Some(network) = network(text)
            && network.trunc() != network
        {
            let message = format!("`{text}` has host bits set, which are ignored");
            warnings
                .push(Problem::new(Code::CidrHostBits, message).help(format!("write `{}`", network.trunc())));
        }
    }
    draft.warnings.extend(warnings);
    draft.map(|value| match value {
        Value::Written(Scalar { text, .. }) => match network(&text) {
            Some(network) => Ok(Value::Network(network.trunc())),
            None => Err(Problem::new(Code::InvalidCidr, format!("`{text}` is not a network"))
                .help("write an address and a prefix length, such as `10.0.0.0/8`")),
        },
        other => Err(Problem::invalid(format!("`cidr` takes a network, not {}", other.kind()))
            .help("`cidr` must be the first modifier")),
    })
}

/// A network, or the network that is a single address.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
