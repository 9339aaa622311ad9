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
    pub(super) fn new(n_gates: usize, listed: &[(GateId, Posting)]) -> Self {
        let mut ends = vec![0_u32; n_gates];
        for (gate, _) in listed {
            ends.get_mut(gate.index()).into_iter().for_each(|n| *n += 1);
        }
        let mut end = 0;
        for n in &mut ends {
            end += *n;
            *n = end;
        }
        // From the last to the first, each at the end of what is still free of its gate's.
        let mut all = vec![Posting { program: 0, bit: 0 }; listed.len()];
        let mut free = ends.clone();
        for (gate, posting) in listed.iter().rev() {
            let Some(end) = free.get_mut(gate.index()) else { continue };
            *end -= 1;
            all.get_mut(*end as usize).into_iter().for_each(|place| *place = *posting);
        }
        Self { ends, all }
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
        let postings = Postings::new(4, &all);
        let of = |gate| postings.of(GateId(gate)).iter().map(|posting| posting.program).collect::<Vec<_>>();
        assert_eq!([of(0), of(1), of(2), of(3), of(4)], [vec![1, 2], vec![], vec![7, 3], vec![], vec![]]);
        assert_eq!(postings.n_gates(), 4);
    }
}
