//! Tasks that wake each other, and one that a thread wakes, by Notify: the
//! smallest wait that tokio has.
//!
//! SPDX-License-Identifier: MIT

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::Notify;

use crate::question::Question;

const ROUND_TRIPS: u64 = 500_000;
const WAKES: u64 = 2000;

async fn wake_each_other() {
    let ping = Arc::new(Notify::new());
    let pong = Arc::new(Notify::new());
    let (mine, theirs) = (Arc::clone(&ping), Arc::clone(&pong));
    let other = tokio::spawn(async move {
        for _ in 0..ROUND_TRIPS {
            mine.notified().await;
            theirs.notify_one();
        }
    });
    for _ in 0..ROUND_TRIPS {
        ping.notify_one();
        pong.notified().await;
    }
    other.await.expect("no panic");
}

/// Long enough for the worker to give up looking for work and to fall asleep.
fn let_the_worker_sleep() {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_micros(500) {}
}

/// The worker is a thread of the runtime's; ours is the one that asks.
fn wake_sleeping() -> Duration {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .expect("a runtime");
    let question = Arc::new(Notify::new());
    let answered = Arc::new(AtomicU64::new(0));
    let (asked, count) = (Arc::clone(&question), Arc::clone(&answered));
    let task = runtime.spawn(async move {
        for _ in 0..WAKES {
            asked.notified().await;
            count.fetch_add(1, Ordering::Release);
        }
    });

    let mut elapsed = Duration::ZERO;
    for before in 0..WAKES {
        let_the_worker_sleep();
        let begin = Instant::now();
        question.notify_one();
        // It yields, as AwaitAnswer in questions.h does and says why.
        while answered.load(Ordering::Acquire) == before {
            std::thread::yield_now();
        }
        elapsed += begin.elapsed();
    }
    runtime.block_on(task).expect("no panic");
    elapsed
}

pub fn questions() -> Vec<Question> {
    let name = "runtime/wake_round_trip";
    let mut all = Question::on_workers(name, ROUND_TRIPS, wake_each_other);
    let name = "runtime/wake_sleeping/tokio";
    all.push(Question::by_hand(name, WAKES, wake_sleeping).once());
    all
}
