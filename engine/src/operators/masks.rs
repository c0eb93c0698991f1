//! At which steps a match group is there.

use crate::batch::Rows;
use crate::error::QueryError;
use crate::exec::context::Account;

/// For each group the steps at which any of its rows has a sample; `None` for
/// a group whose rows have none. Rows of no group below `groups` do not count.
pub(crate) fn group_masks(
    rows: &Rows,
    of_row: &[u32],
    groups: usize,
    steps: usize,
    account: &mut Account,
) -> Result<Vec<Option<Vec<bool>>>, QueryError> {
    account.grow(groups * size_of::<Option<Vec<bool>>>())?;
    let mut masks: Vec<Option<Vec<bool>>> = vec![None; groups];
    for row in rows.arrived() {
        account.context().check()?;
        let Some(slot) = masks.get_mut(of_row[row.series as usize] as usize) else {
            continue;
        };
        let mask = match slot {
            Some(mask) => mask,
            None => {
                account.grow(steps)?;
                slot.insert(vec![false; steps])
            }
        };
        let first = row.first_step as usize;
        for i in row.samples() {
            mask[first + i] = true;
        }
    }
    Ok(masks)
}
