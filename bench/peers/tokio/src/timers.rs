//! Sleeps that are armed, a million of them, and dropped.
//!
//! A sleep is armed when it is first polled, so it is made and polled as an
//! `.await` would do it, in memory that is there before the clock runs. The
//! budget that a task has for one turn is lifted: a task with one sleep would
//! not use it up either.
//!
//! SPDX-License-Identifier: MIT

use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::{sleep, Sleep};

use crate::question::{runtime, Question};

const TIMERS: u32 = 1_000_000;

type Place = Pin<Box<Option<Sleep>>>;

async fn arm(places: &mut [Place]) {
    poll_fn(|context| {
        for (i, place) in places.iter_mut().enumerate() {
            let delay = Duration::from_secs(3600) / TIMERS * i as u32;
            place.set(Some(sleep(Duration::from_secs(60) + delay)));
            let armed = place.as_mut().as_pin_mut().expect("it was set");
            assert!(armed.poll(context).is_pending());
        }
        Poll::Ready(())
    })
    .await
}

async fn arm_and_drop() -> (Duration, Duration) {
    let mut places: Vec<Place> = (0..TIMERS).map(|_| Box::pin(None)).collect();
    let begin = Instant::now();
    tokio::task::unconstrained(arm(&mut places)).await;
    let armed = Instant::now();
    for place in &mut places {
        place.set(None);
    }
    (armed - begin, armed.elapsed())
}

pub fn questions() -> Vec<Question> {
    let arming = || runtime(1).block_on(arm_and_drop()).0;
    let dropping = || runtime(1).block_on(arm_and_drop()).1;
    vec![
        Question::by_hand("runtime/timer_arm/tokio", TIMERS.into(), arming),
        Question::by_hand(
            "runtime/timer_cancel/tokio",
            TIMERS.into(),
            dropping,
        ),
    ]
}
