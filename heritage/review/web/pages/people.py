"""Accounts, for administrators."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from db.vocabulary import Role
from heritage.errors import HeritageError
from heritage.review.web.guard import Administrator, Form, Visitor, room_of
from heritage.review.web.render import page

router = APIRouter(include_in_schema=False)


@router.get("/accounts")
def accounts(request: Request, visitor: Administrator) -> Response:
    """Everybody who may come in."""
    return _list(request, visitor)


@router.post("/accounts")
def add(request: Request, visitor: Administrator, form: Form) -> Response:
    """Make an account."""
    try:
        room_of(request).desk.add_account(
            visitor.person,
            form.get("name", ""),
            form.get("full_name", ""),
            _role(form),
            form.get("password", ""),
        )
    except HeritageError as error:
        return _list(request, visitor, error.reason, form, 400)
    return RedirectResponse("/accounts", 303)


@router.post("/accounts/{name}")
def change(request: Request, visitor: Administrator, name: str, form: Form) -> Response:
    """Change what somebody may do, or set a new password."""
    password = form.get("password") or None
    active = {"open": True, "closed": False}.get(form.get("active", ""))
    role = _role(form) if form.get("role") else None
    try:
        room_of(request).desk.change_account(
            visitor.person, name, role=role, active=active, password=password
        )
    except HeritageError as error:
        return _list(request, visitor, error.reason, {}, 400)
    return RedirectResponse("/accounts", 303)


def _role(form: dict[str, str]) -> Role:
    try:
        return Role(form.get("role", ""))
    except ValueError:
        raise HTTPException(400, "There is no such role.") from None


def _list(
    request: Request,
    visitor: Visitor,
    fault: str = "",
    form: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    found = room_of(request).desk.accounts()
    facts = {"accounts": found, "fault": fault, "form": form or {}, "roles": list(Role)}
    return page(request, "accounts.html", visitor, facts, status)
