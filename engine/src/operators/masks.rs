//! At which steps a match group is there.

use crate::batch::Rows;
use crate::error::QueryError;
use crate::exec::account::Account;

/// For each group the steps at which any of its rows has a sample; none for a
/// group whose rows have none.
#[derive(Debug)]
pub(crate) struct GroupMasks {
    masks: Vec<Option<Vec<bool>>>,
    steps: usize,
}

impl GroupMasks {
    /// Groups without rows.
    ///
    /// # Errors
    /// The memory limit.
    pub fn new(groups: usize, steps: usize, account: &mut Account) -> Result<Self, QueryError> {
        account.grow(groups * size_of::<Option<Vec<bool>>>())?;
        Ok(GroupMasks {
            masks: vec![None; groups],
            steps,
        })
    }

    /// The masks of some rows. Rows of no group below `groups` do not count.
    ///
    /// # Errors
    /// As [`GroupMasks::add`].
    pub fn of(
        rows: &Rows,
        of_row: &[u32],
        (groups, steps): (usize, usize),
        account: &mut Account,
    ) -> Result<Self, QueryError> {
        let mut masks = GroupMasks::new(groups, steps, account)?;
        masks.add(rows, of_row, account)?;
        Ok(masks)
    }

    /// Takes in rows with the group of each.
    ///
    /// # Errors
    /// The memory limit, and the end of the query.
    pub fn add(
        &mut self,
        rows: &Rows,
        of_row: &[u32],
        account: &mut Account,
    ) -> Result<(), QueryError> {
        for row in rows.arrived() {
            account.context().check()?;
            let group = of_row[row.series as usize] as usize;
            let Some(slot) = self.masks.get_mut(group) else {
                continue;
            };
            let mask = match slot {
                Some(mask) => mask,
                None => {
                    account.grow(self.steps)?;
                    slot.insert(vec![false; self.steps])
                }
            };
            let first = row.first_step as usize;
            for i in row.samples() {
                mask[first + i] = true;
            }
        }
        Ok(())
    }

    /// Leaves the steps at which `other` is there, too.
    pub fn keep_common(&mut self, other: &GroupMasks) {
        for (own, other) in self.masks.iter_mut().zip(&other.masks) {
            match (own.as_mut(), other) {
                (Some(own), Some(other)) => {
                    own.iter_mut()
                        .zip(other)
                        .for_each(|(own, other)| *own &= other);
                }
                _ => *own = None,
            }
        }
    }

    /// The mask of a group; `None` is false everywhere.
    pub fn get(&self, group: u32) -> Option<&[bool]> {
        self.masks.get(group as usize)?.as_deref()
    }
}
