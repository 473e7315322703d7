"""What a simulated world consists of: plain frozen values, all lengths in metres."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from pavas_sdk.simulation.guides import Guide
    from pavas_sdk.simulation.shooting import Shooting

__all__ = [
    "ACTIONS",
    "CAMERAS",
    "QUIET_ACTIONS",
    "CameraPath",
    "Hit",
    "Look",
    "Part",
    "Pillar",
    "Room",
    "Scene",
    "SceneConfig",
    "SceneObject",
    "StaticBox",
    "Striker",
]

QUIET_ACTIONS = ("still", "pendulum", "glide", "settle", "pass", "swing", "wave")
"""What is seen and not heard: nothing touches."""

ACTIONS = ("drop", "throw", "bounce", "roll", "collide", "strike", *QUIET_ACTIONS)
CAMERAS = ("still", "pan", "shake", "dolly")


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneConfig:
    """How clips are sampled, rendered and recorded.

    Attributes:
        duration_s: Length of a clip in seconds.
        fps: Frames per second, or None to draw one, at times with each frame shown twice.
        height: Rows.
        width: Columns.
        sample_rate_hz: Rate of the sound.
        action: One of `ACTIONS`, or None to draw one.
        camera: One of `CAMERAS`, or None to draw one.
        noise: Whether the picture has sensor noise.
        compression: Whether half of the clips, drawn at random, pass through H.264 at a random
            quality in memory. (An mp4 that `write_clip` writes is compressed anyway.)
        blur_samples: Moments within the exposure that motion blur averages; 1 is no blur.
        background_noise: Whether the sound has a noise floor, below -90 dBFS; else silence is
            digital silence.
        disturbances: Whether clips may have what films have: light that flickers, backgrounds that
            move, dust, hands and things that pass by.
    """

    duration_s: float = 4.0
    fps: float | None = None
    height: int = 128
    width: int = 128
    sample_rate_hz: int = 48000
    action: str | None = None
    camera: str | None = None
    noise: bool = True
    compression: bool = True
    blur_samples: int = 3
    background_noise: bool = False
    disturbances: bool = True

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: A size, rate or name that cannot be simulated.
        """
        for name, low, high in (
            ("duration_s", 0.2, 600.0),
            ("fps", 1.0, 1000.0),
            ("height", 16, 8192),
            ("width", 16, 8192),
            ("sample_rate_hz", 4000, 192000),
            ("blur_samples", 1, 64),
        ):
            value = getattr(self, name)
            if name == "fps" and value is None:
                continue
            if not low <= value <= high:
                raise InputError(f"{name} must lie between {low} and {high}, got {value}")
        for name, known in (("action", ACTIONS), ("camera", CAMERAS)):
            value = getattr(self, name)
            if value is not None and value not in known:
                raise InputError(
                    f"unknown {name} {value!r}; known are {', '.join(known)}, or None to draw one"
                )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a thing looks.

    Attributes:
        colour: Linear RGB.
        second_colour: Linear RGB of the pattern.
        pattern: "plain", "stripes", "checks" or "patches".
        pattern_scale: Periods of the pattern across the object.
        gloss: Strength of the highlight, 0..1.
    """

    colour: tuple[float, float, float]
    second_colour: tuple[float, float, float]
    pattern: str
    pattern_scale: float
    gloss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A visible piece of an object, rigidly attached.

    Attributes:
        shape: "sphere", "box" or "rod".
        dims_m: (radius, 0, 0), half extents, or (half length, radius, 0).
        offset_m: Along the object's own x axis.
        look: Its own look, or None: that of the object.
        scenery: Whether it only belongs to the object's picture (the arm that holds it, the string
            it hangs on) and neither to its size nor to its mask.
    """

    shape: str
    dims_m: tuple[float, float, float]
    offset_m: float = 0.0
    look: Look | None = None
    scenery: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneObject:
    """One body.

    Attributes:
        label: What a person would call it without knowing its weight ("ball").
        shape: "sphere", "box" or "rod".
        dims_m: (radius, 0, 0), half extents, or (half length, radius, 0).
        material: Key of `MATERIALS`.
        fill: Solid share of the volume, 0..1; below about 0.6 it is hollow.
        mass_kg: Density times volume times fill.
        position_m: Start.
        velocity_m_s: Velocity on release.
        quaternion: Start orientation (w, x, y, z).
        spin_rad_s: Angular velocity on release, world axes.
        release_s: Until then the body hangs or lies still.
        parts: What is drawn.
        look: How it looks.
        counts: Whether it is an object of the clip; an arm is none.
    """

    label: str
    shape: str
    dims_m: tuple[float, float, float]
    material: str
    fill: float
    mass_kg: float
    position_m: tuple[float, float, float]
    velocity_m_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    quaternion: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    spin_rad_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    release_s: float = 0.0
    parts: tuple[Part, ...]
    look: Look
    counts: bool = True

    @property
    def size_m(self) -> float:
        """Largest half extent, without the arm or string that holds it."""
        own = [part for part in self.parts if not part.scenery] or self.parts
        return max(part.dims_m[0] + abs(part.offset_m) for part in own)

    @property
    def hollow(self) -> bool:
        """Whether a person would call it hollow."""
        return self.fill < 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One planned blow of a striker.

    Attributes:
        time_s: When the tip touches.
        speed_m_s: Speed of the tip just before.
        swing_s: How long the downward swing takes.
        miss_m: None, or how far above the surface the tip turns back without touching it.
    """

    time_s: float
    speed_m_s: float
    swing_s: float
    miss_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Striker:
    """The path of a hand-held stick or mallet: body 0, swung about a fixed point.

    Attributes:
        pivot_m: The fixed point (the wrist).
        reach_m: From the pivot to the middle of the tip.
        tip_offset_m: From the body's centre of mass to the middle of the tip, along its x axis.
        azimuth_rad: Direction from the pivot to the tip, seen from above.
        dip_rad: Angle of the stick below the horizontal when it touches.
        restitution: Bounce of the tip.
        hits: Blows in order of time.
    """

    pivot_m: tuple[float, float, float]
    reach_m: float
    tip_offset_m: float
    azimuth_rad: float
    dip_rad: float
    restitution: float
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticBox:
    """A fixed block or plate that is struck.

    Attributes:
        centre_m: Its middle.
        half_m: Half extents.
        material: Key of `MATERIALS`.
        fill: Solid share of the volume.
        look: How it looks.
        label: What a person would call it.
    """

    centre_m: tuple[float, float, float]
    half_m: tuple[float, float, float]
    material: str
    fill: float
    look: Look
    label: str = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pillar:
    """A round post before the action that may hide it; nothing ever touches it.

    Attributes:
        x_m: Position of its axis.
        y_m: Position of its axis.
        radius_m: Radius.
        colour: Linear RGB.
    """

    x_m: float
    y_m: float
    radius_m: float
    colour: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Floor z = 0 and upright walls.

    Attributes:
        floor: Key of `SURFACES`.
        wall: Key of `SURFACES`.
        back_m: The back wall is y = back.
        left_m: The left wall is x = left (negative).
        right_m: The right wall is x = right.
        floor_colour: Linear RGB.
        wall_colour: Linear RGB.
        tile_m: Side of the texture tile on the floor; walls use twice that.
        texture_seed: Seed of the textures.
    """

    floor: str
    wall: str
    back_m: float
    left_m: float
    right_m: float
    floor_colour: tuple[float, float, float]
    wall_colour: tuple[float, float, float]
    tile_m: float
    texture_seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPath:
    """A perspective camera and how it moves.

    Attributes:
        kind: One of `CAMERAS`.
        target_m: Point it looks at, at rest.
        distance_m: From the target.
        azimuth_rad: 0 looks along +y; positive moves the camera to the left.
        elevation_rad: Height above the horizontal.
        roll_rad: Rotation about the line of sight.
        field_of_view_rad: Full angle across the shorter side of the picture.
        amplitude: Radians of pan or shake; share of the distance for dolly.
        frequency_hz: Of the motion.
        phase_rad: Of the motion.
    """

    kind: str
    target_m: tuple[float, float, float]
    distance_m: float
    azimuth_rad: float
    elevation_rad: float
    roll_rad: float
    field_of_view_rad: float
    amplitude: float
    frequency_hz: float
    phase_rad: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A whole world, before anything has moved.

    Attributes:
        seed: What it was sampled from.
        config: How.
        action: One of `ACTIONS`.
        objects: Bodies; index = body. The striker comes first, then guided bodies, then free ones.
        room: Floor and walls.
        camera: The camera.
        striker: The path of body 0 when it is a striker.
        target: What the striker hits when not the floor.
        pillar: An occluder, or None.
        light: Unit vector towards the light.
        light_width: Tangent of the light's half angle; softness of shadows.
        ambient: Share of light without direction.
        shooting: How it is filmed.
        prompt: A sentence about it; sometimes vague.
        render_seed: Seed of sensor noise.
        sound_seed: Seed of mode frequencies and noise.
        noise_floor_db: Level of the quiet noise, dB re full scale (RMS).
        guides: Paths of guided bodies.
        resting_objects: Whether bodies that lie still all the time are objects of the clip too.
    """

    seed: int
    config: SceneConfig
    action: str
    objects: tuple[SceneObject, ...]
    room: Room
    camera: CameraPath
    striker: Striker | None
    target: StaticBox | None
    pillar: Pillar | None
    light: tuple[float, float, float]
    light_width: float
    ambient: float
    shooting: Shooting
    prompt: str
    render_seed: int
    sound_seed: int
    noise_floor_db: float
    guides: tuple[Guide, ...] = ()
    resting_objects: bool = False
