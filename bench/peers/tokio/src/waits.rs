//! tokio's Barrier and OnceCell.
//!
//! SPDX-License-Identifier: MIT

use std::sync::Arc;

use tokio::sync::{Barrier, OnceCell};
use tokio::task::spawn;

use crate::question::Question;
use crate::tasks::join_all;

const PARTIES: u64 = 8;
const PHASES: u64 = 50_000;
const TIMES: u64 = 500_000;

async fn arrive(barrier: Arc<Barrier>) {
    for _ in 0..PHASES {
        barrier.wait().await;
    }
}

async fn meet() {
    let barrier = Arc::new(Barrier::new(PARTIES as usize));
    let each = |_| spawn(arrive(Arc::clone(&barrier)));
    join_all((0..PARTIES).map(each).collect()).await;
}

async fn make_number() -> u64 {
    42
}

async fn get_again() {
    let number = OnceCell::new();
    let mut sum = 0;
    for _ in 0..TIMES {
        sum += number.get_or_init(make_number).await;
    }
    assert_eq!(42 * TIMES, sum);
}

async fn do_nothing() {}

async fn do_again() {
    let once = OnceCell::new();
    for _ in 0..TIMES {
        once.get_or_init(do_nothing).await;
    }
}

pub fn questions() -> Vec<Question> {
    [
        Question::on_workers("sync/barrier8", PARTIES * PHASES, meet),
        Question::on_workers("sync/lazy_get", TIMES, get_again),
        Question::on_workers("sync/once_do", TIMES, do_again),
    ]
    .into_iter()
    .flatten()
    .collect()
}
