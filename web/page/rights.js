// SPDX-License-Identifier: BSD-3-Clause
// rights: what one's role in a group allows, as signald judges it. Pure.

const RANKS = { member: 0, admin: 1, owner: 2 };

const rank = (role) => RANKS[role] ?? 0;

/** @param {object} info of the group, with one's own `role` */
export function rightsOf({ role, join, members }) {
  const leads = rank(role) >= RANKS.admin;
  const owner = role === "owner";
  return {
    invite: leads || join === "open",
    settings: leads,
    decide: leads, // who asks to join
    everybody: leads, // may be mentioned
    leave: !owner || members === 1,
    dissolve: owner,
  };
}

/** What one may do with a member. */
export function rightsOver(role, member, me) {
  const above = member.user !== me && rank(role) >= RANKS.admin &&
    rank(role) > rank(member.role);
  return {
    kick: above,
    mute: above,
    promote: above && role === "owner" && member.role === "member",
    demote: above && role === "owner" && member.role === "admin",
    transfer: above && role === "owner",
  };
}
