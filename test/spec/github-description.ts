import { readFile } from 'node:fs/promises';
import { installedFile } from '../conformance/installed.ts';

/** Path of GitHub's own description of its REST API (OpenAPI 3.0, 13 MB, 1,223 operations), the importer's judge. */
export function githubDescriptionFile(): Promise<string> {
  return installedFile('@octokit/openapi/generated/api.github.com.json');
}

/** The same, parsed. */
export async function githubDescription(): Promise<any> {
  return JSON.parse(await readFile(await githubDescriptionFile(), 'utf8'));
}
