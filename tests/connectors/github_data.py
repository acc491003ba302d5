"""Made-up repositories, users and records, in the shapes of GitHub's REST API."""

from __future__ import annotations

from typing import Any

Json = Any
API = "https://api.github.com"
WEB = "https://github.com"
AVATARS = "https://avatars.githubusercontent.com/u"


def user(number: int, login: str, kind: str = "User") -> Json:
    """Return what the API calls a simple user."""
    url = f"{API}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{number}",
        "avatar_url": f"{AVATARS}/{number}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{WEB}/{login}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


ACME = user(1, "acme-example", "Organization")
OCTO = user(2, "octo-example")
MONA = user(11, "mona-example")
HUBERT = user(12, "hubert-example")
BOT = user(13, "renovate-example[bot]", "Bot")


def repository(number: int, owner: Json, name: str, **more: Json) -> Json:
    """Return a repository as lists have it."""
    full = f"{owner['login']}/{name}"
    url = f"{API}/repos/{full}"
    return {
        "id": number,
        "node_id": f"R_{number}",
        "name": name,
        "full_name": full,
        "private": False,
        "owner": owner,
        "html_url": f"{WEB}/{full}",
        "description": f"The {name}",
        "fork": False,
        "url": url,
        "archive_url": f"{url}/{{archive_format}}{{/ref}}",
        "issues_url": f"{url}/issues{{/number}}",
        "issue_comment_url": f"{url}/issues/comments{{/number}}",
        "compare_url": f"{url}/compare/{{base}}...{{head}}",
        "git_url": f"git://github.com/{full}.git",
        "ssh_url": f"git@github.com:{full}.git",
        "clone_url": f"{WEB}/{full}.git",
        "svn_url": f"{WEB}/{full}",
        "mirror_url": None,
        "homepage": None,
        "language": "Python",
        "forks_count": 1,
        "stargazers_count": 2,
        "watchers_count": 2,
        "size": 180,
        "default_branch": "main",
        "open_issues_count": 2,
        "is_template": False,
        "topics": ["data", "example"],
        "has_issues": True,
        "has_projects": True,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": True,
        "has_discussions": False,
        "archived": False,
        "disabled": False,
        "visibility": "public",
        "pushed_at": "2026-11-18T09:00:00Z",
        "created_at": "2024-02-01T08:00:00Z",
        "updated_at": "2026-11-18T09:00:04Z",
        "permissions": {
            "admin": False,
            "maintain": False,
            "push": False,
            "triage": False,
            "pull": True,
        },
        "license": {
            "key": "mit",
            "name": "MIT License",
            "spdx_id": "MIT",
            "url": f"{API}/licenses/mit",
            "node_id": "L_1",
        },
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "forks": 1,
        "open_issues": 2,
        "watchers": 2,
        **more,
    }


SITE = repository(101, ACME, "site")
TOOL = repository(
    102, ACME, "tool", has_issues=False, language=None, license=None, pushed_at=None, topics=[]
)
DOCS = repository(103, ACME, "docs", archived=True, stargazers_count=0)
LIBRARY = repository(
    104,
    OCTO,
    "library",
    network_count=1,
    subscribers_count=3,
    temp_clone_token="",
    organization=None,
)
OF_ORGANIZATION = [DOCS, SITE, TOOL]
REPOSITORIES = {one["full_name"]: one for one in (*OF_ORGANIZATION, LIBRARY)}


def label(number: int, name: str, color: str) -> Json:
    """Return a label of the site."""
    return {
        "id": number,
        "node_id": f"LA_{number}",
        "url": f"{SITE['url']}/labels/{name}",
        "name": name,
        "description": None if name == "bug" else "New things",
        "color": color,
        "default": name == "bug",
    }


LABELS = [
    label(201, "bug", "d73a4a"),
    label(202, "feature", "a2eeef"),
    label(203, "docs", "0075ca"),
]
MILESTONE = {
    "id": 301,
    "node_id": "MI_301",
    "number": 1,
    "url": f"{SITE['url']}/milestones/1",
    "html_url": f"{SITE['html_url']}/milestone/1",
    "labels_url": f"{SITE['url']}/milestones/1/labels",
    "state": "open",
    "title": "Winter",
    "description": None,
    "creator": MONA,
    "open_issues": 1,
    "closed_issues": 1,
    "created_at": "2026-09-01T08:00:00Z",
    "updated_at": "2026-11-16T08:00:00Z",
    "closed_at": None,
    "due_on": "2026-12-31T08:00:00Z",
}
NO_REACTIONS = {
    "total_count": 1,
    "+1": 1,
    "-1": 0,
    "laugh": 0,
    "hooray": 0,
    "confused": 0,
    "heart": 0,
    "rocket": 0,
    "eyes": 0,
}


def issue(repo: Json, number: int, updated: str, **more: Json) -> Json:
    """Return an issue of a repository."""
    url = f"{repo['url']}/issues/{number}"
    return {
        "id": repo["id"] * 1000 + number,
        "node_id": f"I_{repo['id']}_{number}",
        "url": url,
        "repository_url": repo["url"],
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{repo['html_url']}/issues/{number}",
        "number": number,
        "title": f"Issue {number}",
        "user": MONA,
        "labels": [],
        "state": "open",
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": 0,
        "created_at": "2026-10-01T08:00:00Z",
        "updated_at": updated,
        "closed_at": None,
        "author_association": "MEMBER",
        "type": None,
        "active_lock_reason": None,
        "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
        "body": "It does not work.",
        "reactions": {"url": f"{url}/reactions", **NO_REACTIONS},
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": None,
        "closed_by": None,
        **more,
    }


def branch(repo: Json, name: str, sha: str) -> Json:
    """Return the source or target of a pull request."""
    owner = repo["owner"]
    return {
        "label": f"{owner['login']}:{name}",
        "ref": name,
        "sha": sha * 40,
        "user": owner,
        "repo": repo,
    }


def pull_request(number: int, updated: str, **more: Json) -> Json:
    """Return a pull request of the site as lists have it."""
    url = f"{SITE['url']}/pulls/{number}"
    page = f"{SITE['html_url']}/pull/{number}"
    return {
        "id": 500 + number,
        "node_id": f"PR_{number}",
        "url": url,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": f"{SITE['url']}/issues/{number}",
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{url}/comments{{/number}}",
        "statuses_url": f"{SITE['url']}/statuses/{number}",
        "number": number,
        "state": "open",
        "locked": False,
        "title": f"Change {number}",
        "user": HUBERT,
        "body": None,
        "labels": [LABELS[1]],
        "milestone": MILESTONE,
        "active_lock_reason": None,
        "created_at": "2026-11-01T08:00:00Z",
        "updated_at": updated,
        "closed_at": None,
        "merged_at": None,
        "merge_commit_sha": None,
        "assignee": MONA,
        "assignees": [MONA],
        "requested_reviewers": [MONA],
        "requested_teams": [],
        "head": branch(SITE, f"change-{number}", "b"),
        "base": branch(SITE, "main", "a"),
        "_links": {"self": {"href": url}},
        "author_association": "CONTRIBUTOR",
        "auto_merge": None,
        "draft": False,
        **more,
    }


def commit(sha: str, when: str, author: Json) -> Json:
    """Return a commit of the site."""
    person = {"name": "Mona Example", "email": "mona@example.com", "date": when}
    url = f"{SITE['url']}/git/commits/{sha * 40}"
    return {
        "sha": sha * 40,
        "node_id": f"C_{sha}",
        "commit": {
            "author": person,
            "committer": person,
            "message": f"Change {sha}",
            "tree": {"sha": "0" * 40, "url": f"{SITE['url']}/git/trees/{'0' * 40}"},
            "url": url,
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "url": f"{SITE['url']}/commits/{sha * 40}",
        "html_url": f"{SITE['html_url']}/commit/{sha * 40}",
        "comments_url": f"{SITE['url']}/commits/{sha * 40}/comments",
        "author": author,
        "committer": MONA,
        "parents": [{"sha": "0" * 40, "url": url, "html_url": SITE["html_url"]}],
    }


def workflow_run(number: int, created: str, **more: Json) -> Json:
    """Return a workflow run of the site."""
    url = f"{SITE['url']}/actions/runs/{number}"
    return {
        "id": number,
        "name": "Tests",
        "node_id": f"WR_{number}",
        "check_suite_id": number + 1,
        "check_suite_node_id": f"CS_{number}",
        "head_branch": "main",
        "head_sha": "a" * 40,
        "path": ".github/workflows/tests.yml",
        "run_number": number - 700,
        "event": "push",
        "display_title": "Change a",
        "status": "completed",
        "conclusion": "success",
        "workflow_id": 77,
        "url": url,
        "html_url": f"{SITE['html_url']}/actions/runs/{number}",
        "pull_requests": [{"id": 507, "number": 7, "url": f"{SITE['url']}/pulls/7", "head": {}}],
        "created_at": created,
        "updated_at": created.replace(":00Z", ":40Z"),
        "actor": MONA,
        "triggering_actor": MONA,
        "run_attempt": 1,
        "run_started_at": created,
        "previous_attempt_url": None,
        "jobs_url": f"{url}/jobs",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "workflow_url": f"{SITE['url']}/actions/workflows/77",
        "check_suite_url": f"{SITE['url']}/check-suites/{number + 1}",
        "head_commit": {
            "id": "a" * 40,
            "tree_id": "0" * 40,
            "message": "Change a",
            "timestamp": created,
            "author": {"name": "Mona Example", "email": "mona@example.com"},
            "committer": {"name": "Mona Example", "email": "mona@example.com"},
        },
        "repository": SITE,
        "head_repository": SITE,
        "referenced_workflows": [],
        **more,
    }


def team(number: int, slug: str, parent: Json) -> Json:
    """Return a team of the organization."""
    return {
        "id": number,
        "node_id": f"T_{number}",
        "url": f"{API}/organizations/1/team/{number}",
        "html_url": f"{WEB}/orgs/acme-example/teams/{slug}",
        "name": slug.title(),
        "slug": slug,
        "description": None,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "members_url": f"{API}/organizations/1/team/{number}/members{{/member}}",
        "repositories_url": f"{API}/organizations/1/team/{number}/repos",
        "parent": parent,
    }


ISSUES = {
    SITE["full_name"]: [
        issue(
            SITE,
            5,
            "2026-11-19T10:00:00Z",
            labels=LABELS[:2],
            milestone=MILESTONE,
            assignee=MONA,
            assignees=[MONA, HUBERT],
            comments=2,
        ),
        issue(
            SITE,
            7,
            "2026-11-18T10:00:00Z",
            draft=False,
            pull_request={
                "url": f"{SITE['url']}/pulls/7",
                "html_url": f"{SITE['html_url']}/pull/7",
                "diff_url": f"{SITE['html_url']}/pull/7.diff",
                "patch_url": f"{SITE['html_url']}/pull/7.patch",
                "merged_at": None,
            },
        ),
        issue(
            SITE,
            3,
            "2026-07-18T10:00:00Z",
            state="closed",
            state_reason="completed",
            closed_at="2026-07-18T10:00:00Z",
            closed_by=HUBERT,
        ),
        issue(SITE, 1, "2025-03-18T10:00:00Z"),
    ],
    LIBRARY["full_name"]: [issue(LIBRARY, 5, "2026-10-02T10:00:00Z", user=BOT)],
}


def _comment(number: int, updated: str, **more: Json) -> Json:
    return {
        "id": number,
        "node_id": f"IC_{number}",
        "url": f"{SITE['url']}/issues/comments/{number}",
        "html_url": f"{SITE['html_url']}/issues/5#issuecomment-{number}",
        "user": HUBERT,
        "created_at": "2026-11-01T08:00:00Z",
        "updated_at": updated,
        "body": "Same here.",
        "author_association": "NONE",
        "reactions": {"url": f"{SITE['url']}/issues/comments/{number}/reactions", **NO_REACTIONS},
        **more,
    }


ISSUE_COMMENTS = [
    _comment(
        number,
        updated,
        issue_url=f"{SITE['url']}/issues/5",
        performed_via_github_app=None,
    )
    for number, updated in ((601, "2026-11-19T10:00:00Z"), (602, "2026-11-03T10:00:00Z"))
]
REVIEW_COMMENTS = [
    _comment(
        651,
        "2026-11-18T10:00:00Z",
        url=f"{SITE['url']}/pulls/comments/651",
        pull_request_url=f"{SITE['url']}/pulls/7",
        pull_request_review_id=801,
        diff_hunk="@@ -1 +1 @@",
        path="main.py",
        position=None,
        original_position=1,
        commit_id="b" * 40,
        original_commit_id="b" * 40,
        start_line=None,
        original_start_line=None,
        start_side=None,
        line=1,
        original_line=1,
        side="RIGHT",
        subject_type="line",
        _links={"self": {"href": f"{SITE['url']}/pulls/comments/651"}},
    )
]
PULL_REQUESTS = [
    pull_request(7, "2026-11-18T10:00:00Z"),
    pull_request(
        6,
        "2026-11-10T10:00:00Z",
        state="closed",
        merged_at="2026-11-10T10:00:00Z",
        closed_at="2026-11-10T10:00:00Z",
        merge_commit_sha="a" * 40,
        requested_reviewers=[],
    ),
    pull_request(2, "2026-06-10T10:00:00Z", state="closed"),
]
# A fork that is gone: its branch has no repository any more.
PULL_REQUESTS[1]["head"] = {**PULL_REQUESTS[1]["head"], "repo": None}
REVIEWS = [
    {
        "id": 801,
        "node_id": "PRR_801",
        "user": MONA,
        "body": "Nice",
        "state": "APPROVED",
        "html_url": f"{SITE['html_url']}/pull/7#pullrequestreview-801",
        "pull_request_url": f"{SITE['url']}/pulls/7",
        "_links": {"html": {"href": SITE["html_url"]}},
        "submitted_at": "2026-11-18T10:00:00Z",
        "commit_id": "b" * 40,
        "author_association": "MEMBER",
    }
]
COMMITS = [
    commit("a", "2026-11-18T08:59:00Z", MONA),
    commit("c", "2026-11-02T08:00:00Z", None),
    commit("d", "2026-07-02T08:00:00Z", HUBERT),
    commit("e", "2024-07-02T08:00:00Z", HUBERT),
]
RELEASES = [
    {
        "id": 901,
        "node_id": "RE_901",
        "url": f"{SITE['url']}/releases/901",
        "html_url": f"{SITE['html_url']}/releases/v1.0",
        "assets_url": f"{SITE['url']}/releases/901/assets",
        "upload_url": "https://uploads.github.com/repos/acme-example/site/releases/901/assets",
        "tarball_url": f"{SITE['url']}/tarball/v1.0",
        "zipball_url": f"{SITE['url']}/zipball/v1.0",
        "tag_name": "v1.0",
        "target_commitish": "main",
        "name": "First",
        "body": "All new",
        "draft": False,
        "prerelease": False,
        "immutable": False,
        "created_at": "2026-11-02T08:00:00Z",
        "updated_at": "2026-11-02T08:30:00Z",
        "published_at": "2026-11-02T08:30:00Z",
        "author": MONA,
        "assets": [
            {
                "id": 911,
                "url": f"{SITE['url']}/releases/assets/911",
                "browser_download_url": f"{SITE['html_url']}/releases/download/v1.0/site.zip",
                "node_id": "RA_911",
                "name": "site.zip",
                "label": None,
                "state": "uploaded",
                "content_type": "application/zip",
                "size": 1024,
                "digest": None,
                "download_count": 42,
                "created_at": "2026-11-02T08:20:00Z",
                "updated_at": "2026-11-02T08:20:00Z",
                "uploader": MONA,
            }
        ],
    }
]
WORKFLOW_RUNS = [
    workflow_run(703, "2026-11-18T09:00:00Z", status="in_progress", conclusion=None),
    workflow_run(702, "2026-11-02T08:01:00Z", run_attempt=2),
    workflow_run(701, "2026-07-02T08:01:00Z", conclusion="failure"),
]
STARS = [
    {"starred_at": "2025-01-02T08:00:00Z", "user": MONA},
    {"starred_at": "2026-08-02T08:00:00Z", "user": user(21, "star-example")},
]
CORE = team(401, "core", None)
TEAMS = [CORE, team(402, "docs", {k: v for k, v in CORE.items() if k != "parent"})]
MEMBERS = {"core": [MONA, HUBERT], "docs": [MONA]}
