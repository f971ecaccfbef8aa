"""The journey: one file a part of it, one function a step. The demo walks it and prints; the journey tests walk it and assert."""

from demo.journey import conversation, ending, engagement, matching, people
from demo.journey.scene import Scene, Step

__all__ = ["STEPS", "Scene", "Step"]

STEPS: tuple[Step, ...] = (*people.STEPS, *matching.STEPS, *conversation.STEPS, *engagement.STEPS, *ending.STEPS)
