//! The late round: tasks whose posterior is below the job's bound get more labels from annotators that proved themselves in the blind round.
//!
//! Blind labels are public by then and can be copied, hence: who takes part is limited, the pay of a late label is fixed by the score of the
//! blind ones, and late labels move nothing but the posteriors of their own tasks.
//!
//! ```text
//! PAY -> LATE_PLAN -> (AWAIT_LATE: the state LATE) -> LATE_PACK -> LATE_INFER -> LATE_PAY -> RECORD
//!            ^------------- another wave -----------------'
//! ```
mod plan;
mod seats;
mod settle;
mod wanted;

pub(crate) use plan::{begin, plan};
pub(crate) use seats::{affords, allowance, commit_bucket, give_back, open_tasks, quota, reserve, settle_seat, take, vacate};
pub(crate) use settle::{advance, end_extra, infer, pack, pay, pay_worker, unpaid};
