//! How tightly operators bind.

use crate::ast::BinaryOp;

/// How tightly an operator binds.
pub(crate) fn precedence(op: BinaryOp) -> u8 {
    use BinaryOp as B;
    match op {
        B::Or => 1,
        B::And | B::Unless => 2,
        B::Add | B::Sub => 4,
        B::Mul | B::Div | B::Mod | B::Atan2 => 5,
        B::Pow => 6,
        _ => 3,
    }
}

/// A sign binds like a multiplication.
pub(crate) const SIGN: u8 = 5;

/// Whether an operator or a sign that binds so takes what stands between it and
/// the operator `next`.
pub(crate) fn binds_before(binds: u8, next: BinaryOp) -> bool {
    let other = precedence(next);
    binds > other || (binds == other && next != BinaryOp::Pow)
}
