//! tokio's Mutex and its channel.
//!
//! SPDX-License-Identifier: MIT

use std::sync::Arc;

use tokio::sync::{mpsc, Mutex};
use tokio::task::{spawn, yield_now};

use crate::question::Question;
use crate::tasks::join_all;

const LOCKS: u64 = 800_000;
const MESSAGES: u64 = 400_000;
const CAPACITY: usize = 1024;
const TASKS: u64 = 8;

async fn lock_alone() {
    let counter = Mutex::new(0);
    for _ in 0..LOCKS {
        *counter.lock().await += 1;
    }
    assert_eq!(LOCKS, counter.into_inner());
}

async fn lock_and_yield(counter: Arc<Mutex<u64>>) {
    for _ in 0..LOCKS / TASKS {
        let mut guard = counter.lock().await;
        yield_now().await;
        *guard += 1;
    }
}

async fn lock_beside() {
    let counter = Arc::new(Mutex::new(0));
    let each = |_| spawn(lock_and_yield(Arc::clone(&counter)));
    join_all((0..TASKS).map(each).collect()).await;
    assert_eq!(LOCKS, *counter.lock().await);
}

async fn pass_messages() {
    let (sender, mut receiver) = mpsc::channel(CAPACITY);
    let sending = spawn(async move {
        for number in 0..MESSAGES {
            sender.send(number).await.expect("a receiver");
        }
    });
    let mut sum = 0;
    for _ in 0..MESSAGES {
        sum += receiver.recv().await.expect("a sender");
    }
    assert_eq!(MESSAGES * (MESSAGES - 1) / 2, sum);
    sending.await.expect("no panic");
}

pub fn questions() -> Vec<Question> {
    [
        Question::on_workers("sync/mutex_free", LOCKS, lock_alone),
        Question::on_workers("sync/mutex_contended8", LOCKS, lock_beside),
        Question::on_workers("sync/channel_1_1_1024", MESSAGES, pass_messages),
    ]
    .into_iter()
    .flatten()
    .collect()
}
