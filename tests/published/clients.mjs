// What other people's clients read of a forge: `node --input-type=module - KIND ORIGIN TOKEN`.
// It prints JSON: the open pull requests, the comments of the first one, and whether users may write.
const [kind, origin, token] = process.argv.slice(2);

async function github() {
  const { Octokit } = await import("@octokit/rest");
  const client = new Octokit({ baseUrl: `${origin}/api/v3`, auth: token });
  const where = { owner: "group", repo: "shop" };
  const pulls = await client.paginate("GET /repos/{owner}/{repo}/pulls", { ...where, per_page: 100 });
  const comments = await client.rest.issues.listComments({ ...where, issue_number: 1 });
  const level = await client.rest.repos.getCollaboratorPermissionLevel({ ...where, username: "ada" });
  return {
    pulls: pulls.map((one) => [one.number, one.head.sha, one.head.repo?.id !== one.base.repo.id, one.base.ref]),
    comments: comments.data.map((one) => [String(one.id), one.user.login, one.body]),
    writes: level.data.permission === "write",
  };
}

async function gitea() {
  const { giteaApi } = await import("gitea-js");
  const { repos } = giteaApi(origin, { token });
  const pulls = [];
  for (let page = 1, found; page === 1 || found.length > 0; page += 1) {
    found = (await repos.repoListPullRequests("group", "shop", { state: "open", limit: 50, page })).data;
    pulls.push(...found);
  }
  const comments = await repos.issueGetComments("group", "shop", 1);
  const level = await repos.repoGetRepoPermissions("group", "shop", "ada");
  return {
    pulls: pulls.map((one) => [one.number, one.head.sha, one.head.repo?.id !== one.base.repo.id, one.base.ref]),
    comments: comments.data.map((one) => [String(one.id), one.user.login, one.body]),
    writes: level.data.permission === "write",
  };
}

async function gitlab() {
  const { Gitlab } = await import("@gitbeaker/rest");
  const client = new Gitlab({ host: origin, token });
  const pulls = await client.MergeRequests.all({ projectId: "group/shop", state: "opened", perPage: 100 });
  const comments = await client.MergeRequestNotes.all("group/shop", 1);
  const [user] = await client.Users.all({ username: "ada" });
  const member = await client.ProjectMembers.show("group/shop", user.id, { includeInherited: true });
  return {
    pulls: pulls.map((one) => [one.iid, one.sha, one.source_project_id !== one.target_project_id, one.target_branch]),
    comments: comments.map((one) => [String(one.id), one.author.username, one.body]),
    writes: member.access_level >= 30,
  };
}

console.log(JSON.stringify(await { github, gitea, gitlab }[kind]()));
