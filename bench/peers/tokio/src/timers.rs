//! Sleeps that are armed, a million of them, and dropped.
//!
//! A sleep is armed when it is first polled, so it is made and polled as an
//! `.await` would do it, in memory that is there before the clock runs. The
//! budget that a task has for one turn is lifted: a task with one sleep would
//! not use it up either.
//!
//! SPDX-License-Identifier: MIT

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{sleep, Sleep};

use crate::question::{runtime, Question};

const TIMERS: u32 = 1_000_000;

type Place = Pin<Box<Option<Sleep>>>;

/// What arms all of them when it is polled, which it is once.
struct Arm<'a>(&'a mut [Place]);

impl Future for Arm<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        for (i, place) in self.0.iter_mut().enumerate() {
            let delay = Duration::from_secs(3600) / TIMERS * i as u32;
            place.set(Some(sleep(Duration::from_secs(60) + delay)));
            let armed = place.as_mut().as_pin_mut().expect("it was set");
            assert!(armed.poll(context).is_pending());
        }
        Poll::Ready(())
    }
}

async fn arm_and_drop() -> (Duration, Duration) {
    let mut places: Vec<Place> = (0..TIMERS).map(|_| Box::pin(None)).collect();
    let begin = Instant::now();
    tokio::task::unconstrained(Arm(&mut places)).await;
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
