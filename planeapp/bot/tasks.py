"""Doors for workers."""

from __future__ import annotations

from celery import shared_task

from planeapp.bot import answering, heartbeat
from planeapp.lib.claims import due_within
from planeapp.lib.wake import awake, wake_again


@shared_task(name="bot.answer")
def answer() -> int:
    """Answer everybody who is waiting; gives their number."""
    awake("bot.answer")
    done = 0
    while count := answering.answer_batch():
        done += count
    wake_again("bot.answer", due_within(answering.open_turns()))
    return done


@shared_task(name="bot.heartbeat")
def beat() -> int:
    """Give a sign of life where somebody waits long; gives their number."""
    return heartbeat.beat()
