"""Which server a dump gets: its own major version before everything else, and never without its extensions."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from alembic_rehearsal.errors import ServerError, UsageError
from alembic_rehearsal.model import Need, Offer
from alembic_rehearsal.postgres import addresses, docker, embedded, images, local, server

_ORDER = (local, embedded, docker)
_NAMES = tuple(module.NAME for module in _ORDER)


def choose(
    need: Need, *, provider: str = "auto", image: str | None = None, forbidden: Collection[str] = ()
) -> tuple[Offer, tuple[str, ...]]:
    """Return the server to start, and what has to be said about it.

    Args:
        need: what the dump asks for.
        provider: "auto", a provider's name, or a server's URL.
        image: a container image to use instead of the known ones.
        forbidden: URLs that must not be used, for a server's URL.

    Raises:
        UsageError: `provider` names none, or a URL that must not be used.
        ServerError: nothing here fits; the message names what is missing and who has it.
    """
    if addresses.is_url(provider):
        return _vetted(server.offer_for(provider, forbidden=forbidden), need)
    if provider not in ("auto", *_NAMES):
        message = f"{provider!r} is no provider of servers"
        raise UsageError(message, fix=f"--postgres auto|{'|'.join(_NAMES)}|postgresql://user@host/postgres")
    if image is not None:
        if provider not in ("auto", docker.NAME):
            message = f"an image is for the provider docker, not for {provider}"
            raise UsageError(message, fix="--postgres docker")
        offer = docker.offer_for(need.major or _newest_known(), need.extensions, image=image)
        assert offer is not None
        return _vetted(offer, need)
    return _picked(need, _NAMES if provider == "auto" else (provider,))


def _picked(need: Need, names: Collection[str]) -> tuple[Offer, tuple[str, ...]]:
    seen: list[Offer] = []
    reasons: dict[str, str] = {}
    for module in _ORDER:
        if module.NAME not in names:
            continue
        # The engine is asked last: importing its SDK alone takes longer than starting a local server.
        offered, reason = module.offers()
        seen += offered
        if reason:
            reasons[module.NAME] = reason
        fitting = [offer for offer in offered if _fits(offer, need)]
        exact = [offer for offer in fitting if offer.major == need.major]
        if exact:
            return _with_remarks(max(exact, key=_minor), need)
    if docker.NAME in names and docker.NAME not in reasons and need.major is not None:
        pulled = docker.offer_for(need.major, need.extensions)
        if pulled is not None:
            return _with_remarks(pulled, need)
    others = [offer for offer in seen if _fits(offer, need)]
    if not others:
        raise _nothing_fits(need, seen, reasons)
    return _with_remarks(min(others, key=lambda offer: _distance(offer, need)), need)


def _fits(offer: Offer, need: Need) -> bool:
    return (offer.extensions is None or need.extensions <= offer.extensions) and (offer.icu or not need.icu)


def _vetted(offer: Offer, need: Need) -> tuple[Offer, tuple[str, ...]]:
    """Return what the user chose, if it can do it.

    Raises:
        ServerError: it lacks something.
    """
    if not _fits(offer, need):
        raise _nothing_fits(need, [offer], {})
    return _with_remarks(offer, need)


def _with_remarks(offer: Offer, need: Need) -> tuple[Offer, tuple[str, ...]]:
    remarks = []
    shown = offer.version or str(offer.major)
    if need.major is None:
        remarks.append(f"the dump does not say which PostgreSQL it comes from: rehearsed on {shown} ({offer.provider})")
    elif offer.major != need.major:
        remarks.append(
            f"production runs PostgreSQL {need.major}, the rehearsal ran on {shown} ({offer.provider}): "
            f"no server {need.major} with all that the dump needs was found here"
        )
    remarks.extend(
        f"{name} is not part of this server: the rehearsal used alembic-rehearsal's own SQL implementation of it"
        for name in sorted(need.extensions & offer.completed)
    )
    if offer.extensions is None and need.extensions:
        remarks.append(f"whether {offer.location} has {', '.join(sorted(need.extensions))} shows at the restore")
    return offer, tuple(remarks)


def _distance(offer: Offer, need: Need) -> tuple[bool, int, int, tuple[int, ...]]:
    """Sort key: the nearest newer major, then the nearest older, then the order of providers."""
    wanted = _newest_known() if need.major is None else need.major
    older = offer.major < wanted and need.major is not None
    return older, abs(offer.major - wanted), _NAMES.index(offer.provider), tuple(-part for part in _minor(offer))


def _minor(offer: Offer) -> tuple[int, ...]:
    return tuple(int(part) for part in offer.version.split(".") if part.isdigit())


def _newest_known() -> int:
    return 18


def _nothing_fits(need: Need, seen: Iterable[Offer], reasons: dict[str, str]) -> ServerError:
    """Return an error that names each missing thing, who has it, and what is here."""
    seen = list(seen)
    major = need.major or _newest_known()
    everywhere = [offer.extensions or frozenset() for offer in seen]
    missing = sorted(name for name in need.extensions if not any(name in has for has in everywhere))
    lines = [f"no server here can hold this dump (PostgreSQL {need.major or 'of unknown version'})"]
    for name in missing:
        source = images.who_has(name, major)
        lines.append(f"extension {name}: " + (f"in the image {source}" if source else "in no image that is known"))
    if need.icu and not any(offer.icu for offer in seen):
        lines.append(f"ICU collations: in the image postgres:{major}, not in the servers from wheels")
    for offer in seen:
        lacks = sorted(need.extensions - (offer.extensions or frozenset()))
        lacks += ["ICU"] if need.icu and not offer.icu else []
        lines.append(f"{offer.provider} {offer.version or offer.major} ({offer.location}) lacks {', '.join(lacks)}")
    lines += [f"{name}: {reason}" for name, reason in reasons.items()]
    image = images.image_for(major, need.extensions)
    if image is None:
        fix = "--postgres-image <an image with these extensions>, or --postgres <the URL of such a server>"
    else:
        fix = f"docker pull {image}"
    return ServerError("\n  ".join(lines), fix=fix)
