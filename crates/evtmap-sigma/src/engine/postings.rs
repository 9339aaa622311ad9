//! Which programs have a gate in their groups: one list, gate by gate, so that those of a gate lie together.

use super::Posting;
use super::gate::GateId;

/// The programs of each gate.
#[derive(Debug)]
pub(super) struct Postings {
    /// By gate: where its programs end in the list, which is where those of the next begin.
    ends: Vec<u32>,
    all: Vec<Posting>,
}

impl Postings {
    /// The programs of so many gates; those of a gate stay in their order.
    pub(super) fn new(n_gates: usize, mut all: Vec<(GateId, Posting)>) -> Self {
        all.sort_by_key(|(gate, _)| *gate);
        let mut ends = Vec::with_capacity(n_gates);
        let mut end = 0;
        for gate in 0..n_gates {
            let rest = all.get(end..).unwrap_or_default();
            end += rest.iter().take_while(|(own, _)| own.index() == gate).count();
            ends.push(u32::try_from(end).unwrap_or(u32::MAX));
        }
        Self { ends, all: all.into_iter().map(|(_, posting)| posting).collect() }
    }

    pub(super) fn n_gates(&self) -> usize {
        self.ends.len()
    }

    /// The programs that have a gate in a group, each with the group's bit.
    pub(super) fn of(&self, gate: GateId) -> &[Posting] {
        let Some(end) = self.ends.get(gate.index()) else { return &[] };
        let before = gate.index().checked_sub(1).and_then(|before| self.ends.get(before));
        let start = before.copied().unwrap_or(0);
        self.all.get(start as usize..*end as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gate_has_its_own() {
        let posting = |program| Posting { program, bit: 1 };
        let all = [(2, 7), (0, 1), (2, 3), (0, 2)].map(|(gate, program)| (GateId(gate), posting(program)));
        let postings = Postings::new(4, all.to_vec());
        let of = |gate| postings.of(GateId(gate)).iter().map(|posting| posting.program).collect::<Vec<_>>();
        assert_eq!([of(0), of(1), of(2), of(3), of(4)], [vec![1, 2], vec![], vec![7, 3], vec![], vec![]]);
        assert_eq!(postings.n_gates(), 4);
    }
}
