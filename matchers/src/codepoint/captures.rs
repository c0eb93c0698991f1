//! Finds the first match of a text, and its groups.

use std::ops::Range;

use super::{Follow, Inst, Place, Program, State, Visited, decode};

/// Most memory of the slots of one run, bytes. With more the groups are found in
/// several runs, a few in each.
const MAX_SLOTS: usize = 4 << 20;

/// The byte ranges of the wanted groups, in their order.
pub(crate) type Groups = Vec<Option<Range<usize>>>;

const UNSET: usize = usize::MAX;

impl Program {
    /// Finds the leftmost match, of several the preferred one, and some groups of
    /// it, of which 0 is the whole match.
    pub(crate) fn find(&self, text: &[u8], wanted: &[usize]) -> Option<Groups> {
        // A thread has two positions for each group, in one of two lists.
        let of_group = 4 * size_of::<usize>() * self.states as usize;
        let at_once = (MAX_SLOTS / of_group.max(1)).max(1);
        let mut groups = Vec::with_capacity(wanted.len());
        for wanted in wanted.chunks(at_once) {
            groups.extend(self.find_at_once(text, wanted)?);
        }
        if wanted.is_empty() {
            self.find_at_once(text, &[])?;
        }
        Some(groups)
    }

    fn find_at_once(&self, text: &[u8], wanted: &[usize]) -> Option<Groups> {
        let slots = Search::new(self, wanted).run(text)?;
        let pairs = slots.chunks_exact(2);
        let group = |pair: &[usize]| (pair[1] != UNSET).then(|| pair[0]..pair[1]);
        Some(pairs.map(group).collect())
    }
}

/// States in order of preference, with their slots.
#[derive(Default)]
struct List {
    states: Vec<State>,
    slots: Vec<usize>,
}

/// What is still to be done at a position.
enum Open {
    Visit(State),
    /// Sets a slot back.
    Restore(usize, usize),
}

struct Search<'a> {
    program: &'a Program,
    /// The slot of the program's slots, if it is wanted.
    slots: Vec<Option<usize>>,
    width: usize,
    /// The slots of the thread that is run.
    current: Vec<usize>,
    open: Vec<Open>,
    visited: Visited,
    next: List,
    found: Option<Vec<usize>>,
}

impl<'a> Search<'a> {
    fn new(program: &'a Program, wanted: &[usize]) -> Self {
        let last = wanted.iter().max().map_or(0, |last| last + 1);
        let mut slots = vec![None; 2 * last];
        for (i, group) in wanted.iter().enumerate() {
            slots[2 * group] = Some(2 * i);
            slots[2 * group + 1] = Some(2 * i + 1);
        }
        Search {
            program,
            slots,
            width: 2 * wanted.len(),
            current: vec![UNSET; 2 * wanted.len()],
            open: Vec::new(),
            visited: Visited::of(program),
            next: List::default(),
            found: None,
        }
    }

    fn slot(&self, slot: u32) -> Option<usize> {
        self.slots.get(slot as usize).copied().flatten()
    }

    /// The slots of the match.
    fn run(mut self, text: &[u8]) -> Option<Vec<usize>> {
        let mut live = List::default();
        let (mut at, mut before) = (0, None);
        loop {
            let read = decode(text, at);
            let place = Place {
                before,
                after: read.map(|(c, _)| c),
            };
            self.visited.clear();
            let mut cut = false;
            for (i, &state) in live.states.iter().enumerate() {
                let slots = &live.slots[i * self.width..][..self.width];
                self.current.copy_from_slice(slots);
                cut = self.visit(state, at, place);
                if cut {
                    break;
                }
            }
            let may_begin = at == 0 || !self.program.anchored;
            if may_begin && !cut && self.found.is_none() {
                self.current.fill(UNSET);
                if let Some(slot) = self.slot(0) {
                    self.current[slot] = at;
                }
                self.visit(State::default(), at, place);
            }
            std::mem::swap(&mut live, &mut self.next);
            self.next.states.clear();
            self.next.slots.clear();
            let over = self.found.is_some() || self.program.anchored;
            let Some((c, len)) = read.filter(|_| !(over && live.states.is_empty())) else {
                return self.found;
            };
            at += len;
            before = Some(c);
        }
    }

    /// Visits a state and all that follow it without reading. Whether a match was
    /// found: then states with less preference do not count.
    fn visit(&mut self, state: State, at: usize, place: Place) -> bool {
        self.open.clear();
        self.open.push(Open::Visit(state));
        while let Some(open) = self.open.pop() {
            let mut following = match open {
                Open::Visit(state) => Some(state),
                Open::Restore(slot, old) => {
                    self.current[slot] = old;
                    None
                }
            };
            while let Some(state) = following.take() {
                if !self.visited.first(self.program.number(state)) {
                    break;
                }
                let inst = self.program.code[state.at as usize];
                if matches!(inst, Inst::Match) {
                    let mut slots = self.current.clone();
                    if let Some(end) = self.slot(1) {
                        slots[end] = at;
                    }
                    self.found = Some(slots);
                    return true;
                }
                match self.follow(inst, state, at, place) {
                    Follow::End => {}
                    Follow::One(state) => following = Some(state),
                    Follow::Two(first, second) => {
                        self.open.push(Open::Visit(second));
                        following = Some(first);
                    }
                }
            }
        }
        false
    }

    fn follow(&mut self, inst: Inst, state: State, at: usize, place: Place) -> Follow {
        match inst {
            Inst::Match => Follow::End,
            Inst::Split(first, second) => Follow::Two(state.to(first), state.to(second)),
            Inst::Jump(to) => Follow::One(state.to(to)),
            Inst::Look(look) if place.holds(look) => Follow::One(state.next()),
            Inst::Look(_) => Follow::End,
            Inst::Enter(which) => self.program.enter(state, which),
            Inst::Next(which) => self.program.leave(state, which),
            Inst::Save(slot) => {
                if let Some(slot) = self.slot(slot) {
                    let old = std::mem::replace(&mut self.current[slot], at);
                    self.open.push(Open::Restore(slot, old));
                }
                Follow::One(state.next())
            }
            inst => {
                if place.after.is_some_and(|c| self.program.reads(inst, c)) {
                    self.next.states.push(state.next());
                    self.next.slots.extend_from_slice(&self.current);
                }
                Follow::End
            }
        }
    }
}
