//! tokio's Mutex, RwLock and Semaphore.
//!
//! SPDX-License-Identifier: MIT

use std::sync::Arc;

use tokio::sync::{Mutex, RwLock, Semaphore};
use tokio::task::{spawn, yield_now};

use crate::question::Question;
use crate::tasks::join_all;

const LOCKS: u64 = 800_000;
const ACQUIRES: u64 = 400_000;
const VISITS: u64 = 400_000;
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

async fn acquire_alone() {
    let semaphore = Semaphore::new(1);
    for _ in 0..ACQUIRES {
        let _permit = semaphore.acquire().await.expect("it is open");
    }
}

async fn acquire_and_yield(semaphore: Arc<Semaphore>) {
    for _ in 0..ACQUIRES / TASKS {
        let _permit = semaphore.acquire().await.expect("it is open");
        yield_now().await;
    }
}

async fn acquire_beside() {
    let semaphore = Arc::new(Semaphore::new(2));
    let each = |_| spawn(acquire_and_yield(Arc::clone(&semaphore)));
    join_all((0..TASKS).map(each).collect()).await;
}

async fn read_alone() {
    let lock = RwLock::new(());
    for _ in 0..VISITS {
        let _guard = lock.read().await;
    }
}

async fn read_and_yield(lock: Arc<RwLock<()>>) {
    for _ in 0..VISITS / TASKS {
        let _guard = lock.read().await;
        yield_now().await;
    }
}

async fn write_and_yield(lock: Arc<RwLock<()>>) {
    for _ in 0..VISITS / TASKS {
        let _guard = lock.write().await;
        yield_now().await;
    }
}

async fn visit_beside(writers: u64) {
    let lock = Arc::new(RwLock::new(()));
    let each = |number| {
        let lock = Arc::clone(&lock);
        if number < writers {
            spawn(write_and_yield(lock))
        } else {
            spawn(read_and_yield(lock))
        }
    };
    join_all((0..TASKS).map(each).collect()).await;
}

pub fn questions() -> Vec<Question> {
    [
        Question::on_workers("sync/mutex_free", LOCKS, lock_alone),
        Question::on_workers("sync/mutex_contended8", LOCKS, lock_beside),
        Question::on_workers("sync/semaphore_free", ACQUIRES, acquire_alone),
        Question::on_workers(
            "sync/semaphore_contended8",
            ACQUIRES,
            acquire_beside,
        ),
        Question::on_workers("sync/shared_mutex_free", VISITS, read_alone),
        Question::on_workers("sync/shared_mutex_readers8", VISITS, || {
            visit_beside(0)
        }),
        Question::on_workers("sync/shared_mutex_mixed8", VISITS, || {
            visit_beside(1)
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
